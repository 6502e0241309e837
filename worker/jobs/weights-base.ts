/** Parameters as they come from the coordinator: whole, or as a rounded change of those that came last. */
import { changeBytes, changed } from "../../shared/aggregate/weight-change.js";
import { bytesOf, type Digest, float32Of, sha256 } from "../../shared/codec/digest.js";
import type { WeightsChange__Output } from "../../shared/gen/seedgrow/v1/WeightsChange.js";
import type { Wire } from "../../shared/math/wire.js";

export class WeightsBase {
  private held: { readonly digest: Digest; readonly values: Float32Array } | null = null;

  constructor(
    private readonly wire: Wire,
    /** A blob of the coordinator's. */
    private readonly pull: (digest: Digest) => Promise<Uint8Array>,
  ) {}

  /** The parameters of this digest. */
  async values(digest: Digest, change: WeightsChange__Output | null): Promise<Float32Array> {
    const values = (await this.moved(digest, change)) ?? float32Of(await this.pull(digest));
    // Nobody sends changes of parameters that travel as they are.
    this.held = this.wire === "f32" ? null : { digest, values };
    return values;
  }

  /** Null: what is held is not what changes, or does not lead there. */
  private async moved(digest: Digest, change: WeightsChange__Output | null): Promise<Float32Array | null> {
    const { held, wire } = this;
    if (!change || !held || held.digest !== change.baseDigest) return null;
    const bytes = await this.pull(change.digest);
    if (bytes.length !== changeBytes(wire, held.values.length)) return null;
    const values = changed(held.values, wire, bytes);
    return sha256(bytesOf(values)) === digest ? values : null;
  }
}
