/**
 * A network that delays, reorders, loses, duplicates and cuts. A call is a request and a reply, each with its own fate:
 * a lost reply leaves the caller not knowing, a duplicated one comes twice.
 */
import type { Process, World } from "./world.js";

export interface NetworkFaults {
  /** Mean of the random part of a message's delay, milliseconds; what is late is reordered. */
  jitterMs: number;
  /** Probability that a message is lost. */
  loss: number;
  /** Probability that a message comes twice. */
  duplication: number;
}

export type Answer<T> =
  | { readonly kind: "ok"; readonly value: T }
  /** The peer's own refusal, as AppErrors travel in gRPC metadata. */
  | { readonly kind: "refused"; readonly code: string; readonly reason: string }
  | { readonly kind: "unreachable"; readonly reason: string };

export const ok = <T>(value: T): Answer<T> => ({ kind: "ok", value });
export const refused = (code: string, reason: string): Answer<never> => ({ kind: "refused", code, reason });

/** Fastest delivery. */
const delayMsMin = 1;

export class Network {
  private readonly cuts = new Set<string>();

  constructor(
    private readonly world: World,
    readonly faults: NetworkFaults,
  ) {}

  /** Both directions; `oneWay` only from a to b. */
  cut(a: string, b: string, oneWay = false): void {
    this.cuts.add(`${a}>${b}`);
    if (!oneWay) this.cuts.add(`${b}>${a}`);
  }

  heal(): void {
    this.cuts.clear();
    Object.assign(this.faults, { jitterMs: 5, loss: 0, duplication: 0 });
  }

  mend(a: string, b: string): void {
    this.cuts.delete(`${a}>${b}`);
    this.cuts.delete(`${b}>${a}`);
  }

  send(from: string, to: Process, deliver: () => void): void {
    if (this.cuts.has(`${from}>${to.place}`) || this.world.chance(this.faults.loss)) return;
    const copies = this.world.chance(this.faults.duplication) ? 2 : 1;
    for (let i = 0; i < copies; i++) this.world.after(this.delayMs(), to, deliver);
  }

  /** `done` hears exactly one answer, after `timeoutMs` at the latest. The request may be served twice. */
  call<T>(
    from: Process,
    to: Process | null,
    timeoutMs: number,
    serve: (reply: (answer: Answer<T>) => void) => void,
    done: (answer: Answer<T>) => void,
  ): void {
    let isOpen = true;
    const end = (answer: Answer<T>) => {
      if (!isOpen) return;
      isOpen = false;
      done(answer);
    };
    const broken = () => end({ kind: "unreachable", reason: "the connection broke" });
    this.world.after(timeoutMs, from, () => end({ kind: "unreachable", reason: `no answer within ${timeoutMs} ms` }));
    if (!to?.isAlive) {
      // Nobody listens there: the host says so at once, or it is gone as well and says nothing.
      if (this.world.chance(0.5)) this.world.after(this.delayMs(), from, broken);
      return;
    }
    const reply = (answer: Answer<T>) => this.send(to.place, from, () => end(answer));
    this.send(from.place, to, () => serve(reply));
    // A process that dies resets its connections, unless its host dies with it.
    if (!this.world.chance(0.3)) to.onDeath(() => this.world.after(this.delayMs(), from, broken));
  }

  private delayMs(): number {
    // Roughly exponential: mostly fast, sometimes very late.
    const spread = -Math.log(1 - this.world.rng.next());
    return delayMsMin + spread * this.faults.jitterMs;
  }
}
