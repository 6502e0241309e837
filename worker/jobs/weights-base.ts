/** Parameters as they come from the coordinator: whole, or as a rounded change of those that came last. */
import { changeBytes, changed } from "../../shared/aggregate/weight-change.js";
import { bytesOf, type Digest, float32Of, sha256 } from "../../shared/codec/digest.js";
import type { WeightsChange__Output } from "../../shared/gen/seedgrow/v1/WeightsChange.js";
import type { Wire } from "../../shared/math/wire.js";
import type { PullOptions } from "../../shared/net/blobs.js";
import type { ModelKind } from "../compute/contract.js";

export class WeightsBase {
  private held: { readonly digest: Digest; readonly values: Float32Array } | null = null;
  private readonly rooms = new Map<ModelKind, Uint8Array>();

  constructor(
    private readonly wire: Wire,
    /** A blob of the coordinator's. */
    private readonly pull: (digest: Digest, room?: PullOptions["room"]) => Promise<Uint8Array>,
  ) {}

  /** The parameters of this digest. Those of the same kind of model that were asked for before may be gone. */
  async values(digest: Digest, change: WeightsChange__Output | null, model: ModelKind): Promise<Float32Array> {
    // Nobody sends changes of parameters that travel as they are.
    if (this.wire === "f32") return float32Of(await this.pull(digest, (bytes) => this.room(model, bytes)));
    const values = (await this.moved(digest, change)) ?? float32Of(await this.pull(digest));
    this.held = { digest, values };
    return values;
  }

  /** In memory that the compute thread has as well, step after step. */
  private room(model: ModelKind, bytes: number): Uint8Array {
    const known = this.rooms.get(model);
    if (known?.length === bytes) return known;
    const room = new Uint8Array(new SharedArrayBuffer(bytes));
    this.rooms.set(model, room);
    return room;
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
