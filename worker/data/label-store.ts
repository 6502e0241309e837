/** Pseudo-labels of the version being trained on: every image's map, unpacked once per version. */
import { type ByteMap, decodeMapPack } from "../../shared/codec/map-pack.js";
import { labelCatalogueSchema } from "../../shared/data/run-setup.js";

export interface LabelSources {
  /** The catalogue: a small blob of the coordinator's. */
  readonly pull: (digest: string) => Promise<Uint8Array>;
  readonly pack: (digest: string) => Promise<Uint8Array>;
}

export class LabelStore {
  private current: { digest: string; maps: Promise<ReadonlyMap<number, ByteMap>> } | null = null;

  constructor(private readonly sources: LabelSources) {}

  /** Image index -> label map, of the version that `catalogueDigest` names. */
  version(catalogueDigest: string): Promise<ReadonlyMap<number, ByteMap>> {
    if (this.current?.digest === catalogueDigest) return this.current.maps;
    const maps = this.load(catalogueDigest);
    this.current = { digest: catalogueDigest, maps };
    maps.catch(() => {
      if (this.current?.maps === maps) this.current = null;
    });
    return maps;
  }

  private async load(catalogueDigest: string): Promise<ReadonlyMap<number, ByteMap>> {
    const bytes = await this.sources.pull(catalogueDigest);
    const catalogue = labelCatalogueSchema.parse(JSON.parse(Buffer.from(bytes).toString("utf8")));
    const packs = await Promise.all(catalogue.packs.map((digest) => this.sources.pack(digest)));
    return new Map(packs.flatMap((pack) => decodeMapPack(pack)).map((map) => [map.image, map]));
  }
}
