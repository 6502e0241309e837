/**
 * One zod schema is the source of a process's settings: defaults, ranges and help come from it, values from a file, the
 * environment and `--set`, in this order. All problems are reported at once; an unknown key suggests the right one.
 */
import { distance } from "fastest-levenshtein";
import { z } from "zod";
import { AppError } from "../errors.js";

export interface ConfigKey {
  /** "method.segmenter.steps". */
  readonly key: string;
  /** "integer 1..50", "one of otsu, fixed". */
  readonly type: string;
  readonly default: unknown;
  readonly help: string;
  /** Environment variable. */
  readonly env: string;
}

interface JsonSchema {
  readonly type?: string | string[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly default?: unknown;
  readonly help?: string;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly anyOf?: readonly JsonSchema[];
  readonly items?: JsonSchema;
  readonly prefixItems?: readonly JsonSchema[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly multipleOf?: number;
}

/** Every leaf of the schema, in its order. */
export function listKeys(schema: z.ZodType, envPrefix: string): ConfigKey[] {
  const json = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" }) as JsonSchema;
  const defaults = schema.parse({});
  return walk(json, [], defaults, envPrefix);
}

function walk(json: JsonSchema, path: readonly string[], value: unknown, envPrefix: string): ConfigKey[] {
  if (json.properties) {
    return Object.entries(json.properties).flatMap(([name, child]) => {
      return walk(child, [...path, name], (value as Record<string, unknown> | undefined)?.[name], envPrefix);
    });
  }
  const env = `${envPrefix}_${path.map(toConstantCase).join("__")}`;
  return [{ key: path.join("."), type: describeType(json), default: value, help: json.help ?? "", env }];
}

function toConstantCase(name: string): string {
  return name.replace(/([a-z0-9])([A-Z])/g, "$1_$2").toUpperCase();
}

function describeType(json: JsonSchema): string {
  if (json.enum) return `one of ${json.enum.join(", ")}`;
  if (json.const !== undefined) return String(json.const);
  if (json.anyOf) return json.anyOf.map(describeType).join(" | ");
  if (json.prefixItems) return `[${json.prefixItems.map(describeType).join(", ")}]`;
  if (json.items) return `list of ${describeType(json.items)}`;
  return `${json.type ?? "any"}${describeRange(json)}`;
}

function describeRange({ minimum, exclusiveMinimum, maximum, multipleOf }: JsonSchema): string {
  const low = minimum ?? exclusiveMinimum;
  const isBounded = (limit: number | undefined) => limit !== undefined && Math.abs(limit) < Number.MAX_SAFE_INTEGER;
  const range =
    isBounded(low) || isBounded(maximum) ? ` ${isBounded(low) ? low : ""}..${isBounded(maximum) ? maximum : ""}` : "";
  return multipleOf && multipleOf !== 1 ? `${range}, multiple of ${multipleOf}` : range;
}

export interface ConfigLayers {
  /** Parsed content of a config file, and its name for messages. */
  readonly file?: { readonly name: string; readonly content: unknown };
  readonly env: Readonly<Record<string, string | undefined>>;
  /** "key=value" of the command line, the strongest. */
  readonly sets: readonly string[];
  /** Overrides below all of the above: presets. */
  readonly base?: Record<string, unknown>;
}

/** An ablation resolves one schema a hundred times, and listing its keys is most of the work. */
const listed = new WeakMap<z.ZodType, { readonly envPrefix: string; readonly keys: ConfigKey[] }>();

function keysOf(schema: z.ZodType, envPrefix: string): ConfigKey[] {
  const held = listed.get(schema);
  if (held?.envPrefix === envPrefix) return held.keys;
  const keys = listKeys(schema, envPrefix);
  listed.set(schema, { envPrefix, keys });
  return keys;
}

/** @throws AppError CONFIG_INVALID listing every problem. */
export function resolveConfig<S extends z.ZodType>(schema: S, envPrefix: string, layers: ConfigLayers): z.infer<S> {
  const keys = keysOf(schema, envPrefix);
  const raw: Record<string, unknown> = structuredClone(layers.base ?? {});
  const problems: string[] = [];
  if (layers.file) mergeInto(raw, asObject(layers.file));
  for (const { key, env } of keys) {
    const text = layers.env[env];
    if (text !== undefined) assign(raw, key, parseValue(text));
  }
  for (const set of layers.sets) {
    const at = set.indexOf("=");
    const key = set.slice(0, at);
    if (at < 1) problems.push(`--set ${set}: expected key=value`);
    else if (key.split(".").includes("__proto__")) problems.push(`unknown key "${key}"`);
    else assign(raw, key, parseValue(set.slice(at + 1)));
  }
  const parsed = schema.safeParse(raw);
  if (!parsed.success) problems.push(...parsed.error.issues.flatMap((issue) => describeIssue(issue, keys, raw)));
  if (problems.length > 0 || !parsed.success) {
    throw new AppError(
      "CONFIG_INVALID",
      `the configuration has ${problems.length} problem(s):\n  ${problems.join("\n  ")}`,
    );
  }
  return parsed.data;
}

function asObject({ name, content }: { name: string; content: unknown }): Record<string, unknown> {
  if (content !== null && typeof content === "object" && !Array.isArray(content))
    return content as Record<string, unknown>;
  throw new AppError("CONFIG_INVALID", `${name} is not a map of keys to values`);
}

/** @throws AppError CONFIG_INVALID for a key that would reach into the prototype of every object. */
export function mergeInto(target: Record<string, unknown>, source: Readonly<Record<string, unknown>>): void {
  for (const [key, value] of Object.entries(source)) {
    if (key === "__proto__") throw new AppError("CONFIG_INVALID", 'unknown key "__proto__"');
    const held = target[key];
    if (isPlainObject(held) && isPlainObject(value)) mergeInto(held, value);
    else target[key] = value;
  }
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}

function assign(target: Record<string, unknown>, key: string, value: unknown): void {
  const path = key.split(".");
  const last = path.pop()!;
  let at = target;
  for (const part of path) {
    if (!isPlainObject(at[part])) at[part] = {};
    at = at[part] as Record<string, unknown>;
  }
  at[last] = value;
}

/** JSON where it is JSON (numbers, lists, true), else the text itself. */
function parseValue(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function describeIssue(issue: z.core.$ZodIssue, keys: readonly ConfigKey[], raw: unknown): string[] {
  const path = issue.path.join(".");
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((name) => unknownKey(path === "" ? name : `${path}.${name}`, keys));
  }
  const known = keys.find(({ key }) => key === path);
  const expected = known ? ` (${known.type}, default ${JSON.stringify(known.default)})` : "";
  return [`${path}${given(raw, issue.path)}: ${issue.message}${expected}`];
}

/** " = 51": what was given, if it is short enough to be found again in a file. */
function given(raw: unknown, path: readonly PropertyKey[]): string {
  const value = path.reduce((at: unknown, part) => (isPlainObject(at) ? at[String(part)] : undefined), raw);
  const text = JSON.stringify(value);
  return text === undefined || text.length > 60 ? "" : ` = ${text}`;
}

/** The last part of a key is what people remember: "steps" suggests "method.segmenter.steps". */
function unknownKey(name: string, keys: readonly ConfigKey[]): string {
  const lastPart = (key: string) => key.slice(key.lastIndexOf(".") + 1);
  const closeness = (key: string) => Math.min(distance(name, key), distance(lastPart(name), lastPart(key)) + 0.5);
  const [best] = [...keys].sort((a, b) => closeness(a.key) - closeness(b.key));
  return best && closeness(best.key) <= 4
    ? `unknown key "${name}": did you mean "${best.key}"?`
    : `unknown key "${name}"`;
}
