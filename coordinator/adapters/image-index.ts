/**
 * Indexes a data set: finds the images, reads every one to its last scan line, matches masks, makes the manifest. Broken
 * files never stop it half-way; they are collected and named together at the end.
 */
import { availableParallelism } from "node:os";
import { join } from "node:path";
import pLimit from "p-limit";
import type { Digest } from "../../shared/codec/digest.js";
import type { ImageEntry, Manifest, Split, SplitName } from "../../shared/data/manifest.js";
import { AppError } from "../../shared/errors.js";
import { type Assembled, assemble, type ReadPhoto, type TaggedPhoto } from "../data/assemble.js";
import type { LayoutName } from "../data/layouts.js";
import { matchMasks } from "../data/masks.js";
import { compareProblems, type DataProblem } from "../data/problems.js";
import { makeShards } from "../data/shards.js";
import { listFolder, openSources, type SourceOptions, type Sources } from "./data-source.js";
import { probeMask, probePhoto } from "./image-probe.js";

export interface IndexOptions extends SourceOptions {
  /** More broken images than this share of all are an error. */
  readonly brokenShareMax: number;
  /** About this many images make a shard. */
  readonly shardImages: number;
  /** Counts images, then masks; the total grows once, when the masks are matched. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface DataIndex {
  readonly manifest: Manifest;
  readonly problems: readonly DataProblem[];
  readonly imagePaths: ReadonlyMap<Digest, string>;
  readonly maskPaths: ReadonlyMap<Digest, string>;
}

/** An index, and what `seedgrow data check` shows besides. */
export interface DataScan extends DataIndex {
  readonly layoutName: LayoutName;
  readonly masksRoot: string | null;
  /** Masks in the folder that no image claims. */
  readonly masksUnused: number;
  /** Why this would not train; null when it would. The manifest is whole only then. */
  readonly verdict: AppError | null;
}

/** sharp decodes on libuv's four threads; more files at once only take memory. */
const filesAtOnce = Math.min(4, Math.max(2, availableParallelism()));

/** @throws AppError DATA_NOT_FOUND, DATA_EMPTY, DATA_TAGS or DATA_BROKEN: it would not train, and why. */
export async function indexData(options: IndexOptions): Promise<DataIndex> {
  const { verdict, manifest, problems, imagePaths, maskPaths } = await scanData(options);
  if (verdict) throw verdict;
  return { manifest, problems, imagePaths, maskPaths };
}

/** Like indexData, but also returns what was found in a data set that would not train. */
export async function scanData(options: IndexOptions): Promise<DataScan> {
  rejectBadClasses(options.classes);
  const sources = await openSources(options, { onProgress: options.onProgress, signal: options.signal });
  const progress = new Progress(options);
  const { photos, problems } = await readPhotos(sources, progress);
  const layouts = { train: sources.train.tagged, val: sources.val?.tagged ?? null };
  const classes = options.classes ?? null;
  const assembled = assemble({ layouts, photos, problems, classes, brokenShareMax: options.brokenShareMax });
  const masks = await readMasks(sources, assembled, progress);
  return {
    manifest: makeManifest(sources, assembled, masks.digests, options.shardImages),
    problems: [...assembled.problems, ...masks.problems].sort(compareProblems),
    imagePaths: new Map(
      assembled.photos.map((photo) => [photo.digest, join(rootOf(sources, photo.split), photo.path)]),
    ),
    maskPaths: masks.paths,
    layoutName: sources.train.layoutName,
    masksRoot: sources.masksRoot,
    masksUnused: masks.unused,
    verdict: assembled.verdict,
  };
}

function rejectBadClasses(classes: readonly string[] | undefined): void {
  if (!classes) return;
  if (classes.length === 0 || new Set(classes).size !== classes.length || classes.includes("none")) {
    throw new AppError("USAGE", `--classes ${classes.join(",")}: names must be distinct, at least one, and not "none"`);
  }
}

/** Counts finished files and stops the work when asked to. */
class Progress {
  private done = 0;
  private total = 0;

  constructor(private readonly options: Pick<IndexOptions, "onProgress" | "signal">) {}

  /** Runs `work` for every item, a few at a time, and keeps their order. */
  async each<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
    this.total += items.length;
    const limit = pLimit(filesAtOnce);
    return Promise.all(items.map((item) => limit(() => this.one(item, work))));
  }

  private async one<T, R>(item: T, work: (item: T) => Promise<R>): Promise<R> {
    if (this.options.signal?.aborted) {
      const hint = "Run the command again.";
      throw new AppError("INTERRUPTED", `stopped after ${this.done} of ${this.total} files`, { hint });
    }
    const result = await work(item);
    this.done++;
    this.options.onProgress?.(this.done, this.total);
    return result;
  }
}

async function readPhotos(sources: Sources, progress: Progress) {
  const listed = (["train", "val"] as const).flatMap((split) =>
    (sources[split]?.tagged.images ?? []).map((image) => ({ split, image })),
  );
  const results = await progress.each(listed, ({ split, image }) => probePhoto(rootOf(sources, split), split, image));
  const photos = results.filter((result): result is ReadPhoto => "digest" in result);
  const problems = results.filter((result): result is DataProblem => "kind" in result);
  return { photos, problems };
}

interface FoundMasks {
  /** By photo. */
  readonly digests: ReadonlyMap<TaggedPhoto, Digest>;
  readonly paths: ReadonlyMap<Digest, string>;
  readonly problems: readonly DataProblem[];
  readonly unused: number;
}

async function readMasks(sources: Sources, { photos, classes }: Assembled, progress: Progress): Promise<FoundMasks> {
  const digests = new Map<TaggedPhoto, Digest>();
  const paths = new Map<Digest, string>();
  const root = sources.masksRoot;
  if (root === null) return { digests, paths, problems: [], unused: 0 };
  const splitFolders = { train: folderName(sources.train.root), val: sources.val && folderName(sources.val.root) };
  const matches = matchMasks(photos, (await listFolder(root)).files, splitFolders);
  const problems = matches.contested.flatMap(({ maskPath: path, images }) =>
    images.map(({ split, path: claimant }): DataProblem => {
      return { split, path, kind: "mask", message: `not used: ${images.length} images claim it, one is ${claimant}` };
    }),
  );
  await progress.each(matches.pairs, async ({ image, maskPath: path }) => {
    const finding = await probeMask(join(root, path), image, classes);
    for (const message of finding.problems) problems.push({ split: image.split, path, kind: "mask", message });
    if (finding.digest === null) return;
    digests.set(image, finding.digest);
    paths.set(finding.digest, join(root, path));
  });
  return { digests, paths, problems, unused: matches.unused.length };
}

function folderName(path: string): string {
  return path.slice(Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\")) + 1);
}

function rootOf(sources: Sources, split: SplitName): string {
  return (split === "val" && sources.val ? sources.val : sources.train).root;
}

function makeManifest(
  sources: Sources,
  { photos, classes }: Assembled,
  masks: ReadonlyMap<TaggedPhoto, Digest>,
  shardImages: number,
): Manifest {
  const split = (name: SplitName): Split => {
    const images = photos
      .filter((photo) => photo.split === name)
      .map((photo): ImageEntry => {
        const { path, digest, bytes, width, height, tags } = photo;
        return { path, digest, bytes, width, height, tags, maskDigest: masks.get(photo) ?? null };
      });
    return { root: rootOf(sources, name), images, shards: makeShards(images, shardImages) };
  };
  return { version: 1, classes: [...classes], train: split("train"), val: sources.val ? split("val") : null };
}
