/** Parameters as they come from the coordinator: whole, or as a rounded change of those that came last. */
import { applyChange, changeBytes } from "../../shared/aggregate/weight-change.js";
import { namingOf } from "../../shared/codec/checksum.js";
import { bytesOf, type Digest, float32Of } from "../../shared/codec/digest.js";
import type { WeightsChange__Output } from "../../shared/gen/seedgrow/v1/WeightsChange.js";
import { VectorMemory } from "../../shared/math/vectors.js";
import type { Wire } from "../../shared/math/wire.js";
import type { PullOptions } from "../../shared/net/blobs.js";
import type { ModelKind } from "../compute/contract.js";

/** Memory that the compute thread has as well, used step after step. */
interface Room {
  readonly values: Uint8Array;
  readonly change: Uint8Array;
}

export class WeightsBase {
  /** What changes are added to. */
  private readonly held = new Map<ModelKind, { readonly digest: Digest; readonly values: Float32Array }>();
  private readonly rooms = new Map<ModelKind, Room>();

  constructor(
    private readonly wire: Wire,
    /** A blob of the coordinator's. */
    private readonly pull: (digest: Digest, room?: PullOptions["room"]) => Promise<Uint8Array>,
  ) {}

  /** The parameters of this digest. Those of the same kind of model that were asked for before may be gone. */
  async values(digest: Digest, change: WeightsChange__Output | null, model: ModelKind): Promise<Float32Array> {
    const values =
      (await this.moved(digest, change, model)) ??
      float32Of(await this.pull(digest, (bytes) => this.roomFor(model, bytes).values));
    // Nobody sends changes of parameters that travel as they are.
    if (this.wire !== "f32") this.held.set(model, { digest, values });
    return values;
  }

  private roomFor(model: ModelKind, bytes: number): Room {
    const known = this.rooms.get(model);
    if (known?.values.length === bytes) return known;
    const count = Math.ceil(bytes / 4);
    const changed = this.wire === "f32" ? 0 : changeBytes(this.wire, count);
    const changeFloats = Math.ceil(changed / 4);
    const memory = new VectorMemory(count + changeFloats);
    const values = bytesOf(memory.floats(count)).subarray(0, bytes);
    const room = { values, change: bytesOf(memory.floats(changeFloats)).subarray(0, changed) };
    this.rooms.set(model, room);
    return room;
  }

  /** Null: what is held is not what changes, or does not lead there. Then it is gone. */
  private async moved(
    digest: Digest,
    change: WeightsChange__Output | null,
    model: ModelKind,
  ): Promise<Float32Array | null> {
    const { wire } = this;
    const held = this.held.get(model);
    // Whatever comes, comes in its place.
    this.held.delete(model);
    if (!change || held?.digest !== change.baseDigest) return null;
    const { values } = held;
    const room = this.roomFor(model, values.byteLength).change;
    const bytes = await this.pull(change.digest, (length) => (length === room.length ? room : new Uint8Array(length)));
    if (bytes.length !== room.length) return null;
    const naming = namingOf(digest);
    applyChange(values, wire, bytes, (block) => void naming.update(bytesOf(block)));
    return naming.digest("hex") === digest ? values : null;
  }
}
