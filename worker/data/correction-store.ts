/** The constraints of the round that is under way, unpacked once. */
import { decodeMapPack } from "../../shared/codec/map-pack.js";
import { constraintCatalogueSchema, constraintsOf, type RoundConstraints } from "../../shared/data/constraints.js";

const none: RoundConstraints = new Map();

export class CorrectionStore {
  private current: { digest: string; constraints: Promise<RoundConstraints> } | null = null;

  constructor(private readonly pull: (digest: string) => Promise<Uint8Array>) {}

  /** `catalogueDigest`: empty where the round has none. */
  round(catalogueDigest: string): Promise<RoundConstraints> {
    if (catalogueDigest === "") return Promise.resolve(none);
    if (this.current?.digest === catalogueDigest) return this.current.constraints;
    const constraints = this.load(catalogueDigest);
    this.current = { digest: catalogueDigest, constraints };
    constraints.catch(() => {
      if (this.current?.constraints === constraints) this.current = null;
    });
    return constraints;
  }

  private async load(catalogueDigest: string): Promise<RoundConstraints> {
    const bytes = await this.pull(catalogueDigest);
    const catalogue = constraintCatalogueSchema.parse(JSON.parse(Buffer.from(bytes).toString("utf8")));
    return constraintsOf(catalogue, decodeMapPack(await this.pull(catalogue.pack)));
  }
}
