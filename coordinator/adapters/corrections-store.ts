/**
 * A run's corrections on disk: what people wrote (corrections.json), and what each round took of it when it began
 * (corrections/round-<n>.json and .pack), which never changes any more.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type Digest, sha256 } from "../../shared/codec/digest.js";
import { decodeMapPack, encodeMapPack } from "../../shared/codec/map-pack.js";
import { type ConstraintCatalogue, constraintCatalogueSchema } from "../../shared/data/constraints.js";
import {
  type Correction,
  type Corrections,
  correctionSchema,
  correctionsSchema,
  isEmpty,
  misfitOf,
  noCorrections,
} from "../../shared/data/corrections.js";
import type { Manifest } from "../../shared/data/manifest.js";
import { runFiles } from "../../shared/data/run-record.js";
import { AppError } from "../../shared/errors.js";
import { bindCorrections, type CorrectionCounts } from "../data/corrections.js";
import { writeFileDurably, writeJson } from "./files.js";

/** The bytes of a round's constraints; both parts are blobs that workers pull. */
export interface RoundFiles {
  readonly catalogue: Uint8Array;
  readonly pack: Uint8Array;
}

export class CorrectionsStore {
  private writing: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly runDir: string,
    private readonly manifest: Manifest,
  ) {}

  /** @throws AppError CORRECTIONS_INVALID, saying what does not fit. */
  async read(): Promise<Corrections> {
    const path = join(this.runDir, runFiles.corrections);
    const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return null;
      throw error;
    });
    if (text === null) return noCorrections;
    const parsed = correctionsSchema.safeParse(jsonOf(text));
    const misfit = parsed.success ? misfitOf(parsed.data, this.known()) : firstIssue(parsed.error);
    if (parsed.success && misfit === null) return parsed.data;
    throw new AppError("CORRECTIONS_INVALID", `${path}: ${misfit}`);
  }

  /** One photo's; an empty one is forgotten. One after the other, so that none is lost. @throws AppError */
  write(image: number, value: unknown): Promise<Corrections> {
    const done = this.writing.then(() => this.replace(image, value));
    this.writing = done.catch(() => undefined);
    return done;
  }

  private async replace(image: number, value: unknown): Promise<Corrections> {
    const entry = this.manifest.train.images[image];
    if (!entry) throw new AppError("DATA_NOT_FOUND", `the run has no training photo ${image}`);
    const parsed = correctionSchema.safeParse(value);
    if (!parsed.success) throw new AppError("CORRECTIONS_INVALID", firstIssue(parsed.error));
    const { [entry.path]: _, ...others } = (await this.read()).photos;
    const photos = isEmpty(parsed.data) ? others : { ...others, [entry.path]: parsed.data satisfies Correction };
    const corrections: Corrections = { version: 1, photos };
    const misfit = misfitOf(corrections, this.known());
    if (misfit !== null) throw new AppError("CORRECTIONS_INVALID", misfit);
    await writeJson(join(this.runDir, runFiles.corrections), corrections);
    return corrections;
  }

  /** What the round took when it began; null: it began without corrections. @throws AppError CHECKPOINT_INVALID */
  async readRound(round: number): Promise<RoundFiles | null> {
    const [catalogue, pack] = await Promise.all(
      [runFiles.roundCatalogue(round), runFiles.roundPack(round)].map((file) => {
        return readFile(join(this.runDir, file)).catch(() => null);
      }),
    );
    if (!catalogue) return null;
    const parsed = constraintCatalogueSchema.safeParse(jsonOf(catalogue.toString()));
    if (pack && parsed.success && parsed.data.pack === sha256(pack)) return { catalogue, pack };
    throw new AppError("CHECKPOINT_INVALID", `the corrections that round ${round} began with are damaged`);
  }

  /** Binds the round to what is corrected now, or to what it began with before. Null: nothing is. @throws AppError */
  async takeRound(round: number, size: number): Promise<{ files: RoundFiles; counts: CorrectionCounts | null } | null> {
    const held = await this.readRound(round);
    if (held) return { files: held, counts: null };
    const corrections = await this.read();
    const versions = Object.values(corrections.photos).flatMap(({ version }) => version ?? []);
    const judged = new Map(
      await Promise.all([...new Set(versions)].map(async (v) => [v, await this.labels(v)] as const)),
    );
    const labelsOf = (version: number, image: number) => judged.get(version)?.get(image) ?? null;
    const { images, maps, counts } = bindCorrections(corrections, { manifest: this.manifest, size, labelsOf });
    if (images.length === 0) return null;
    const pack = encodeMapPack(maps);
    const catalogue: ConstraintCatalogue = { version: 1, round, images, pack: sha256(pack) };
    const files = { catalogue: Buffer.from(JSON.stringify(catalogue)), pack };
    // The catalogue names the pack: it comes last.
    await writeFileDurably(join(this.runDir, runFiles.roundPack(round)), pack);
    await writeFileDurably(join(this.runDir, runFiles.roundCatalogue(round)), files.catalogue);
    return { files, counts };
  }

  private async labels(version: number): Promise<ReadonlyMap<number, Uint8Array>> {
    const packs = this.manifest.train.shards.map((_, shard) => {
      return readFile(join(this.runDir, runFiles.labelPack(version, shard))).then(decodeMapPack, () => []);
    });
    return new Map((await Promise.all(packs)).flat().map(({ image, data }) => [image, data]));
  }

  private known() {
    const { classes, train } = this.manifest;
    return { classes, paths: new Set(train.images.map(({ path }) => path)) };
  }
}

export function digestOf({ catalogue }: RoundFiles): Digest {
  return sha256(catalogue);
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function firstIssue({ issues }: { readonly issues: readonly { path: PropertyKey[]; message: string }[] }): string {
  const { path, message } = issues[0]!;
  return path.length > 0 ? `${path.map(String).join(".")}: ${message}` : message;
}
