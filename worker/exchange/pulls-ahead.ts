/**
 * What this worker will most likely have to add up, pulled from the others beside its computing, as soon as they have it. The order to
 * add up says what is right: whatever was pulled of the very same work is used, the rest is dropped.
 */
import type { Exchange__Output } from "../../shared/gen/seedgrow/v1/Exchange.js";
import type { ReduceAhead__Output } from "../../shared/gen/seedgrow/v1/ReduceAhead.js";
import { bulkPieceBytes } from "../../shared/limits.js";
import { bodyOf, type Encoded, rangeOf } from "../../shared/math/wire.js";
import type { AheadLines, PeerRange } from "../adapters/peer-links.js";
import { aheadName } from "./names.js";

/** Where pulled numbers go. */
export interface AheadMemory {
  blank(body: number, length: number): Encoded;
  give(bytes: Uint8Array): void;
}

export interface PullAhead {
  readonly address: string;
  readonly range: Encoded;
  /** Rejects as the pull does. */
  readonly arrival: Promise<unknown>;
  state: "coming" | "there" | "failed";
}

/** Of a sum that may still be written, asked for at a time: what is left of the last when all is written is soon there. */
const partFloats = (2 * bulkPieceBytes) / 4;
/** A head's biases, the loss and the weight are far fewer. */
const tailFloats = 4_096;

export class PullsAhead {
  private readonly pulls = new Map<string, PullAhead>();

  constructor(
    private readonly lines: AheadLines,
    private readonly memory: AheadMemory,
  ) {}

  /** Pulls what is expected to be wanted; what is being pulled already goes on, if it still is. */
  follow(of: Exchange__Output, { first, end, length, sums }: ReduceAhead__Output): void {
    const body = bodyOf(first, end, length);
    const ranges = sums.flatMap(({ peer, key, nodes }) => {
      const address = peer?.address ?? "";
      return nodes.map((node): PeerRange => ({ address, name: aheadName(of, node, key), first, end }));
    });
    const wanted = new Set(ranges.map(idOf));
    for (const [id, pull] of this.pulls) if (!wanted.has(id)) this.dropLine(pull.address);
    for (const [id, { state, range }] of this.pulls) {
      if (wanted.has(id) && state !== "failed") continue;
      this.memory.give(range.bytes);
      this.pulls.delete(id);
    }
    for (const range of ranges) if (!this.pulls.has(idOf(range))) this.begin(range, body, end === length);
  }

  /** What has come, or is about to, of each that is wanted now; null: nothing. Their owners have them, and are not waited for. */
  claim(wanted: readonly (PeerRange | null)[]): readonly (PullAhead | null)[] {
    const ids = wanted.map((range) => range && idOf(range));
    const coming = [...this.pulls].filter(([, { state }]) => state === "coming");
    for (const address of new Set(coming.map(([, pull]) => pull.address))) {
      // A line gives one after the other: one that may never come is in the way of those behind it.
      const isInTheWay = coming.some(([id, pull]) => pull.address === address && !ids.includes(id));
      if (isInTheWay) this.dropLine(address);
      else this.lines.hasten(address);
    }
    return ids.map((id) => {
      const pull = id === null ? undefined : this.pulls.get(id);
      return pull && pull.state !== "failed" ? pull : null;
    });
  }

  /** The memory of all that has come is given back. */
  end(): void {
    for (const { address } of this.pulls.values()) this.dropLine(address);
    for (const { range } of this.pulls.values()) this.memory.give(range.bytes);
    this.pulls.clear();
  }

  private begin(wanted: PeerRange, body: number, hasTail: boolean): void {
    const { first } = wanted;
    const range = this.memory.blank(body, wanted.end - first);
    // What is rounded is there when all of it is.
    const parts = range.wire === "f32" ? partsFrom(first, wanted.end, hasTail) : [wanted];
    const arriving = parts.map((part) => {
      const { bytes } = rangeOf(range, part.first - first, part.end - first);
      return this.lines.pull({ ...wanted, first: part.first, end: part.end }, bytes);
    });
    const arrival = allOf(arriving);
    const pull: PullAhead = { address: wanted.address, range, arrival, state: "coming" };
    const settle = (state: "there" | "failed") => () => {
      if (pull.state === "coming") pull.state = state;
    };
    // Whoever wants it will see.
    arrival.then(settle("there"), settle("failed"));
    this.pulls.set(idOf(wanted), pull);
  }

  /** Unless all has come on it. */
  private dropLine(address: string): void {
    const coming = [...this.pulls.values()].filter((pull) => pull.address === address && pull.state === "coming");
    if (coming.length === 0) return;
    this.lines.drop(address);
    for (const pull of coming) pull.state = "failed";
  }
}

/** Resolves or rejects when none of them is under way any more. */
async function allOf(arriving: readonly Promise<unknown>[]): Promise<void> {
  const failed = (await Promise.allSettled(arriving)).find((one) => one.status === "rejected");
  if (failed) throw failed.reason;
}

/**
 * A backward pass begins with the last layer, and what is at the very end is written last: with the sum's weight. That all of it counts
 * is asked for by a range of nothing.
 */
export function partsFrom(first: number, end: number, hasTail: boolean): { first: number; end: number }[] {
  const tail = hasTail ? Math.max(first, end - tailFloats) : end;
  const parts: { first: number; end: number }[] = [];
  for (let to = tail; to > first; to -= partFloats) parts.push({ first: Math.max(first, to - partFloats), end: to });
  if (tail < end) parts.push({ first: tail, end });
  return [...parts, { first, end: first }];
}

function idOf({ address, name, first, end }: PeerRange): string {
  return `${address} ${name} ${first}-${end}`;
}
