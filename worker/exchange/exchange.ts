/**
 * A worker's part of sharded training: the model and the optimiser's state as of one step, the partial sums it has
 * computed and the slices it has summed. All of it is there for other workers to pull.
 */
import { MemoryFloats } from "../../shared/aggregate/floats.js";
import { Replica } from "../../shared/aggregate/replica.js";
import type { StepHelpers } from "../../shared/aggregate/step-helpers.js";
import { agreementDigest } from "../../shared/codec/checksum.js";
import { bytesOf, type Digest, sha256 } from "../../shared/codec/digest.js";
import type { MethodConfig } from "../../shared/config/method.js";
import { stageOptions } from "../../shared/config/stage-options.js";
import { type ParamSpecs, paramCount, parseParamSpecs } from "../../shared/data/param-specs.js";
import { AppError } from "../../shared/errors.js";
import type { Exchange__Output } from "../../shared/gen/seedgrow/v1/Exchange.js";
import { peerIdleMs } from "../../shared/limits.js";
import { writeSum } from "../../shared/math/rounding.js";
import { nodeKey, type TreeNode } from "../../shared/math/tree-sum.js";
import { Checksum, notFiniteIndex } from "../../shared/math/vectors.js";
import { bodyOf, byteOffset, type Encoded, encode, sumTailFloats, type Wire } from "../../shared/math/wire.js";
import type { NumbersReady } from "../../shared/net/peers.js";
import type { AheadLines, PeerRange } from "../adapters/peer-links.js";
import type { PartialSum, TrainStage } from "../compute/contract.js";
import type { SumProgress } from "../compute/sum-progress.js";
import { Awaited } from "./awaited.js";
import type { BytePool } from "./byte-pool.js";
import { Growing, lookMsOf } from "./growing.js";
import { aheadName, isOfStep, stepName, sumName } from "./names.js";
import { type Pulled, pullState } from "./pull-state.js";
import { PullsAhead } from "./pulls-ahead.js";
import {
  nothingPooled,
  type StatePart,
  type StateRoom,
  StateRooms,
  type StateVectors,
  stateParts,
} from "./state-room.js";
import { SlicedFloats } from "./summing.js";

export interface ExchangeDeps {
  readonly method: MethodConfig;
  readonly seed: number;
  /** How sums and slices travel; the model and its moments go as f32. */
  readonly wire: Wire;
  /** Other threads that take a part in updates. */
  readonly helpers?: StepHelpers;
  /** Of this worker's other runs, of which none is at work. */
  readonly rooms?: StateRooms;
  /** A blob of the coordinator's. */
  readonly pullBlob: (digest: Digest) => Promise<Uint8Array>;
  readonly pullPeer: (range: PeerRange, target: Uint8Array) => Promise<number>;
  /** For what others may still be computing. */
  readonly aheadLines: AheadLines;
}

interface Held {
  readonly phase: string;
  readonly step: number;
  readonly digest: Digest;
  readonly specs: ParamSpecs;
  readonly parts: StateVectors;
  /** The parts, for others to pull. */
  readonly offered: Readonly<Record<StatePart, Encoded>>;
  readonly replica: Replica;
}

interface KeptSum {
  readonly encoded: Encoded;
  readonly notFinite: number;
}

export class WorkerExchange {
  private held: Held | null = null;
  /** Sums and slices of one step. */
  private vectors = new Map<string, Encoded>();
  private vectorsOf = "";
  private readonly rooms: StateRooms;
  private room: StateRoom | null = null;
  /** Memory for what comes and goes in a step. */
  get pool(): BytePool {
    return this.room?.pool ?? nothingPooled;
  }

  /** Gives the memory of a vector of the step back. */
  private lent: (() => void)[] = [];
  private readonly awaited = new Awaited(peerIdleMs);
  private growing: { readonly name: string; readonly sum: Growing } | null = null;
  /** How long the last sum grew. */
  private grewMs = 0;
  /** Sums of the step that were being given to others when their work failed. */
  private spoilt = new Set<string>();
  readonly ahead: PullsAhead;

  constructor(readonly deps: ExchangeDeps) {
    this.rooms = deps.rooms ?? new StateRooms();
    const give = (bytes: Uint8Array) => this.pool.give(bytes);
    this.ahead = new PullsAhead(deps.aheadLines, { blank: (...sized) => this.blank(...sized), give });
  }

  /** For others to pull. */
  vector(name: string): Encoded | null {
    const { held } = this;
    const prefix = held ? stepName(held) : "";
    const part = held && name.startsWith(`${prefix}/`) ? name.slice(prefix.length + 1) : "";
    if (held && Object.hasOwn(held.offered, part)) return held.offered[part as StatePart];
    return this.vectors.get(name) ?? null;
  }

  /** Resolves when `vector` has it: null, or its numbers come one after the other. @throws AppError MESSAGE_INVALID when it does not come */
  async coming(name: string): Promise<NumbersReady | null> {
    if (this.spoilt.has(name)) throw new AppError("MESSAGE_INVALID", `${name} was begun, and has failed`);
    if (!this.vector(name)) await this.awaited.wait(name, isOfStep(this.vectorsOf, name));
    const { growing } = this;
    return growing?.name === name ? (first, end) => growing.sum.ready(first, end) : null;
  }

  /** The sum of a node as it is being written by the work named `key`, f32, where others wait for it: until `keep`, or `stopGrowing`. */
  grow(of: Exchange__Output, node: TreeNode, key: string, values: Float32Array, progress: SumProgress): void {
    const name = aheadName(of, nodeKey(node), key);
    if (this.spoilt.has(name)) return;
    const encoded = encode("f32", values, bodyOf(0, values.length, values.length));
    const opened = () => {
      this.vectors.set(name, encoded);
      this.awaited.came(name);
    };
    this.growing = { name, sum: new Growing(values, encoded, progress, opened, lookMsOf(this.grewMs)) };
  }

  /** What has been sent of it counts for nothing: it is given to nobody under that name again, should the same work be done anew. */
  stopGrowing(): void {
    if (!this.growing) return;
    const { name, sum } = this.growing;
    if (sum.isOpen) {
      this.spoilt.add(name);
      this.vectors.delete(name);
    }
    sum.gone();
    this.growing = null;
  }

  /** It is whole, and lies where others are being given it. Null: it does not. */
  private grown(name: string, values: Float32Array): KeptSum | null {
    const { growing } = this;
    if (growing?.name !== name || growing.sum.values !== values) {
      this.stopGrowing();
      return null;
    }
    growing.sum.whole();
    this.grewMs = growing.sum.ageMs;
    this.growing = null;
    return { encoded: growing.sum.encoded, notFinite: growing.sum.notFiniteIndex() };
  }

  /** Memory of `pool` for numbers as they travel. */
  blank(body: number, length: number): Encoded {
    const { wire } = this.deps;
    return { wire, body, length, bytes: this.pool.take(byteOffset(wire, body, length)) };
  }

  /**
   * A sum of this worker's as others will get it: as f32 the very numbers. `notFinite`: where the first is that is none; -1: nowhere.
   * `key`: of the work that led to it, by which others wait for it.
   */
  keep(of: Exchange__Output, stage: TrainStage, key: string, { node, ...sum }: PartialSum): KeptSum {
    const { wire, seed } = this.deps;
    const { length } = sum.values;
    const name = sumName(of, nodeKey(node));
    const awaited = aheadName(of, nodeKey(node), key);
    let notFinite = -1;
    let encoded: Encoded;
    if (wire === "f32") {
      const whole = () => ({
        encoded: encode(wire, sum.values, bodyOf(0, length, length)),
        notFinite: notFiniteIndex(sum.values),
      });
      ({ encoded, notFinite } = this.grown(awaited, sum.values) ?? whole());
      this.vectors.set(name, encoded);
    } else {
      encoded = this.keepNew(name, 0, length, length, (target) => {
        notFinite = writeSum({ wire, seed, stage, step: of.step }, sum, target);
      });
    }
    if (!this.spoilt.has(awaited)) {
      this.vectors.set(awaited, encoded);
      this.awaited.came(awaited);
    }
    return { encoded, notFinite };
  }

  /** Numbers [first, end) of a sum of `length`, which `fill` puts there, in memory that is taken back when the step is over. */
  keepNew(name: string, first: number, end: number, length: number, fill: (encoded: Encoded) => void): Encoded {
    const { pool } = this;
    const encoded = this.blank(bodyOf(first, end, length), end - first);
    fill(encoded);
    this.lend(() => pool.give(encoded.bytes));
    this.vectors.set(name, encoded);
    return encoded;
  }

  /** `giveBack` is called when the step is over, and with it whatever is kept of it. */
  lend(giveBack: () => void): void {
    this.lent.push(giveBack);
  }

  /** The model as of the step that work is of. */
  get model(): Held {
    if (!this.held) throw new AppError("INTERNAL", "no model is held yet");
    return this.held;
  }

  /** What is kept of other steps is let go. */
  enter(exchange: Exchange__Output): void {
    if (this.vectorsOf === stepName(exchange)) return;
    this.forget();
    this.vectorsOf = stepName(exchange);
    this.awaited.enter(this.vectorsOf);
  }

  /** Lets everything go: the stage is over. */
  clear(): void {
    this.held = null;
    this.forget();
    this.vectorsOf = "";
    this.awaited.enter("");
    this.room = null;
  }

  /** Whoever waits for something of this worker's, or of others here, does so no more: the run has let it go. */
  close(): void {
    this.awaited.end();
    this.forget();
  }

  /** Whoever still pulls one of them finds that it is gone (shared/net/peers.ts), before its memory is used again. */
  private forget(): void {
    this.ahead.end();
    this.stopGrowing();
    this.vectors = new Map();
    this.spoilt = new Set();
    for (const giveBack of this.lent.splice(0)) giveBack();
  }

  /** Makes the model that of the step: it is already, or is pulled from a holder, or from the coordinator. */
  async begin(exchange: Exchange__Output, stage: TrainStage, digest: Digest): Promise<Pulled> {
    const { held } = this;
    const { phase, step } = exchange;
    if (held && held.phase === phase && held.step === step && held.digest === digest) return { missing: [], bytes: 0 };
    this.held = null;
    const specs = parseParamSpecs(await this.deps.pullBlob(exchange.specsDigest));
    const count = paramCount(specs);
    const options = stageOptions(this.deps.method, stage);
    const names = stateParts.filter((part) => part !== "average" || options.emaDecay > 0);
    if (this.room?.count !== count || this.room.names.length !== names.length) this.room = this.rooms.of(names, count);
    const { parts } = this.room;
    const fetched = await pullState(this.deps, exchange, { names, parts, digest });
    if (fetched.missing.length > 0) return fetched;
    const optimizer = { steps: step, first: new MemoryFloats(parts.first), second: new MemoryFloats(parts.second) };
    const average = options.emaDecay > 0 ? new MemoryFloats(parts.average) : null;
    const replica = new Replica(specs, { values: parts.values, optimizer, average }, options, {
      rounding: { wire: this.deps.wire, seed: this.deps.seed, stage },
      helpers: this.deps.helpers,
    });
    const offered = offeredParts(parts);
    this.held = { phase, step, digest, specs, parts, offered, replica };
    return fetched;
  }

  /**
   * Moves the model one step on, by the slices of the step's sum. Returns the mean loss. `isKept`: somebody will pull its
   * parameters as a blob.
   * @throws AppError TRAINING_DIVERGED
   */
  async update(slices: readonly Encoded[], isKept: boolean): Promise<number> {
    const { phase, step, specs, parts, offered, replica } = this.model;
    // From here on nobody can pull the state of either step.
    this.held = null;
    const checksum = isKept ? null : new Checksum();
    const loss = await replica.update(new SlicedFloats(slices, this.room!.page), step, (block) => checksum?.add(block));
    const digest = checksum ? agreementDigest(checksum) : sha256(bytesOf(parts.values));
    this.held = { phase, step: step + 1, digest, specs, parts, offered, replica };
    return loss;
  }
}

/** How long a sum of the model's gradients is. */
export function sumLength(specs: ParamSpecs): number {
  return paramCount(specs) + sumTailFloats;
}

function offeredParts(parts: StateVectors): Record<StatePart, Encoded> {
  const of = (part: StatePart) => encode("f32", parts[part], parts[part].length);
  return { values: of("values"), first: of("first"), second: of("second"), average: of("average") };
}
