/** Reads one run's folder for the dashboard; only corrections are written. What is missing or damaged is null, not an error. */
import { readFile, stat } from "node:fs/promises";
import { resolve, sep } from "node:path";
import { CorrectionsStore } from "../../coordinator/adapters/corrections-store.js";
import { RunStore } from "../../coordinator/adapters/run-store.js";
import { type ByteMap, decodeMapPack } from "../../shared/codec/map-pack.js";
import type { Manifest } from "../../shared/data/manifest.js";
import { runFiles } from "../../shared/data/run-record.js";
import { AppError } from "../../shared/errors.js";
import { parseJson } from "../../shared/net/bus.js";
import { type RunEventRecord, runEventRecordSchema } from "../../shared/net/subjects.js";
import { BytesCache } from "./cache.js";
import { heatPicture, labelPicture, type PhotoSize, photoPicture } from "./pictures.js";

/** Decoded packs of a few shards: neighbours in the gallery share them. */
const packBytesMax = 96 * 2 ** 20;
/** About 8,000 thumbnails. */
const pictureBytesMax = 64 * 2 ** 20;

type Pack = ReadonlyMap<number, ByteMap>;

export class RunReader {
  readonly store: RunStore;
  private readonly packs = new BytesCache<Pack>(packBytesMax, bytesOfPack);
  private readonly pictures = new BytesCache<Buffer>(pictureBytesMax, (bytes) => bytes.length);
  private readonly differences = new BytesCache<readonly (number | null)[]>(2 ** 22, (shares) => shares.length * 8);
  private correcting: CorrectionsStore | null = null;
  private known: { readonly manifest: Manifest; readonly shardOf: ReadonlyMap<number, number> } | null = null;

  constructor(readonly dir: string) {
    this.store = new RunStore(dir);
  }

  /** Null while the photos are still being read. It is written once. */
  async manifest(): Promise<Manifest | null> {
    return (await this.index())?.manifest ?? null;
  }

  /** Null while there are no photos to correct. */
  async corrections(): Promise<CorrectionsStore | null> {
    const manifest = await this.manifest();
    if (manifest && !this.correcting) this.correcting = new CorrectionsStore(this.dir, manifest);
    return this.correcting;
  }

  async events(): Promise<RunEventRecord[]> {
    const lines = await readFile(this.store.path("events.jsonl"), "utf8").catch(() => "");
    return lines.split("\n").flatMap((line) => {
      const { data } = runEventRecordSchema.safeParse(parseJson(Buffer.from(line)));
      return data ? [data] : [];
    });
  }

  /** Changes when the run has written something. */
  async signature(): Promise<string> {
    const files = [runFiles.run, runFiles.stages, runFiles.manifest, runFiles.corrections, "events.jsonl"];
    const stats = await Promise.all(files.map((file) => stat(this.store.path(file)).catch(() => null)));
    return stats.map((info) => (info ? `${info.size}@${info.mtimeMs}` : "-")).join(" ");
  }

  /** @throws AppError DATA_NOT_FOUND */
  async photo(image: number, size: PhotoSize): Promise<Buffer> {
    const manifest = await this.manifest();
    const entry = manifest?.train.images[image];
    if (!manifest || !entry) throw new AppError("DATA_NOT_FOUND", `the run has no photo ${image}`);
    const path = inside(manifest.train.root, entry.path);
    const make = async () => photoPicture(await readFile(path), size);
    return size === "thumb" ? this.pictures.get(`photo ${image}`, make) : make();
  }

  /** Null where the image has no map (yet). */
  labels(version: number, image: number): Promise<Buffer | null> {
    return this.picture(image, (shard) => runFiles.labelPack(version, shard), labelPicture);
  }

  heat(image: number): Promise<Buffer | null> {
    return this.picture(image, (shard) => runFiles.camPack(shard), heatPicture);
  }

  /** Share of pixels that differ between two label versions, per image. */
  async disagreement(before: number, after: number): Promise<readonly (number | null)[]> {
    const index = await this.index();
    if (!index) return [];
    return this.differences.get(`${before} ${after}`, async () => {
      const shares: (number | null)[] = index.manifest.train.images.map(() => null);
      for (const [shard, images] of index.manifest.train.shards.entries()) {
        // Past the cache: a pass over all packs would throw out what the page is looking at.
        const [old, now] = [before, after].map((version) => this.readPack(runFiles.labelPack(version, shard)));
        const [oldPack, nowPack] = [await old!, await now!];
        for (const image of images) shares[image] = differenceOf(oldPack.get(image), nowPack.get(image));
      }
      return shares;
    });
  }

  private async picture(
    image: number,
    fileOf: (shard: number) => string,
    make: (map: ByteMap) => Promise<Buffer>,
  ): Promise<Buffer | null> {
    const shard = (await this.index())?.shardOf.get(image);
    if (shard === undefined) return null;
    const file = fileOf(shard);
    const map = (await this.pack(file)).get(image);
    return map && map.channels > 0 ? this.pictures.get(`${file} ${image}`, () => make(map)) : null;
  }

  /** A pack appears whole, and then never changes; one that is not there yet must not be remembered as empty. */
  private async pack(file: string): Promise<Pack> {
    if (!(await stat(this.store.path(file)).catch(() => null))) return new Map();
    return this.packs.get(file, () => this.readPack(file));
  }

  private async readPack(file: string): Promise<Pack> {
    try {
      return new Map(decodeMapPack(await readFile(this.store.path(file))).map((map) => [map.image, map]));
    } catch {
      return new Map();
    }
  }

  private async index() {
    if (this.known) return this.known;
    const manifest = await this.store.readManifest().then(
      (read) => read.manifest,
      () => null,
    );
    if (manifest === null) return null;
    const pairs = manifest.train.shards.flatMap((images, shard) => images.map((image) => [image, shard] as const));
    this.known = { manifest, shardOf: new Map(pairs) };
    return this.known;
  }
}

/** A manifest is data: it may not lead out of its folder. @throws AppError DATA_NOT_FOUND */
function inside(root: string, path: string): string {
  const full = resolve(root, path);
  if (full.startsWith(resolve(root) + sep)) return full;
  throw new AppError("DATA_NOT_FOUND", "the manifest names a photo outside its folder");
}

function differenceOf(before: ByteMap | undefined, after: ByteMap | undefined): number | null {
  if (!before || !after || before.data.length !== after.data.length) return null;
  let changed = 0;
  for (let i = 0; i < after.data.length; i++) if (before.data[i] !== after.data[i]) changed++;
  return changed / after.data.length;
}

function bytesOfPack(pack: Pack): number {
  return [...pack.values()].reduce((sum, { data }) => sum + data.length, 0);
}
