/**
 * Pseudo-labels of the version being trained on. They are kept as they came, deflated, and unpacked map by map when they are
 * wanted (0.08 ms for 256 x 256): all of them unpacked took a gigabyte for 16,000 photos, and the first step of a stage waited for it.
 */
import { type ByteMap, openMapPack, type PackedMap } from "../../shared/codec/map-pack.js";
import { labelCatalogueSchema } from "../../shared/data/run-setup.js";

export interface LabelSources {
  /** The catalogue: a small blob of the coordinator's. */
  readonly pull: (digest: string) => Promise<Uint8Array>;
  readonly pack: (digest: string) => Promise<Uint8Array>;
}

/** Label maps by image index. */
export interface LabelMaps {
  /** Unpacked anew each time. Undefined: the version has none of this image. @throws AppError DIGEST_MISMATCH */
  get(image: number): ByteMap | undefined;
}

export class LabelStore {
  private current: { digest: string; maps: Promise<LabelMaps> } | null = null;

  constructor(private readonly sources: LabelSources) {}

  /** Of the version that `catalogueDigest` names. */
  version(catalogueDigest: string): Promise<LabelMaps> {
    if (this.current?.digest === catalogueDigest) return this.current.maps;
    const maps = this.load(catalogueDigest);
    this.current = { digest: catalogueDigest, maps };
    maps.catch(() => {
      if (this.current?.maps === maps) this.current = null;
    });
    return maps;
  }

  private async load(catalogueDigest: string): Promise<LabelMaps> {
    const bytes = await this.sources.pull(catalogueDigest);
    const catalogue = labelCatalogueSchema.parse(JSON.parse(Buffer.from(bytes).toString("utf8")));
    const packs = await Promise.all(catalogue.packs.map((digest) => this.sources.pack(digest)));
    const byImage = new Map<number, PackedMap>(packs.flatMap(openMapPack).map((map) => [map.image, map]));
    return { get: (image) => byImage.get(image)?.unpack() };
  }
}
