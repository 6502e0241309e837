/** A simulated worker: worker/runtime.ts with hashes instead of gradients, around the real worker/core. */
import { beatIntervalMs, leaseMs } from "../../shared/limits.js";
import { protocolVersion } from "../../shared/version.js";
import * as session from "../../worker/core/session.js";
import type { Token } from "./checkers/checker.js";
import type { Env } from "./env.js";
import { type Answer, ok, refused } from "./network.js";
import { computeUnit, type UnitInput } from "./work.js";
import { Process } from "./world.js";

export interface AttachCall {
  readonly claim: session.LeaseClaim;
  /** Where weights are pulled from. */
  readonly coordinator: Process;
  readonly serveWeights: (weights: string) => Answer<string>;
}

export interface WorkCall {
  readonly claim: session.LeaseClaim;
  readonly key: string;
  readonly input: UnitInput;
  readonly first: number;
  readonly end: number;
}

type Reply<T> = (answer: Answer<T>) => void;

/** As in worker/runtime.ts. */
const keptMax = 4;

export class WorkerNode {
  readonly process: Process;
  slowness = 1;
  /** What is wrong with its arithmetic. */
  sickness: "none" | "garbage" | "lies" = "none";
  private isDraining = false;
  private session: session.Session = session.initialSession;
  private run: AttachCall | null = null;
  private readonly kept = new Map<string, { result: Answer<readonly string[]> | null; waiting: Reply<null>[] }>();
  /** The compute thread does one thing after the other. */
  private isComputing = false;
  private readonly queue: (() => void)[] = [];

  constructor(
    private readonly env: Env,
    readonly id: string,
    private readonly incarnation: number,
  ) {
    this.process = new Process(`${id}.${incarnation}`, id);
    env.world.every(beatIntervalMs, this.process, () => this.beat());
    env.world.every(1_000, this.process, () => this.tick());
  }

  attach(call: AttachCall, reply: Reply<null>): void {
    const { world } = this.env;
    const admission = session.attach(this.session, call.claim, world.nowMs);
    if (!this.admit(admission, call.claim, reply)) return;
    this.run = null;
    this.kept.clear();
    // Pulls the setup and the photos' list from the coordinator.
    this.env.network.call<null>(
      this.process,
      call.coordinator,
      10_000,
      (answer) => answer(ok(null)),
      (answer) => {
        const isCurrent = session.isHeldBy(this.session, call.claim);
        if (!isCurrent) {
          reply(refused("LEASE_LOST", "taken or freed while it attached"));
          return;
        }
        if (answer.kind !== "ok") {
          this.session = session.release(this.session);
          reply(refused("INTERNAL", "cannot pull the setup"));
          return;
        }
        this.run = call;
        this.session = session.contact(this.session, world.nowMs);
        reply(ok(null));
      },
    );
  }

  work(call: WorkCall, reply: Reply<null>): void {
    const admission = session.command(this.session, call.claim, this.env.world.nowMs);
    if (!this.admit(admission, call.claim, reply)) return;
    if (!this.run) {
      reply(refused("LEASE_LOST", "not attached yet"));
      return;
    }
    const key = `${tokenOf(call.claim)}/${call.key}`;
    const known = this.kept.get(key);
    if (known) {
      if (known.result) reply(known.result.kind === "ok" ? ok(null) : known.result);
      else known.waiting.push(reply);
      return;
    }
    if (this.isDraining) {
      reply(refused("LEASE_LOST", "shuts down"));
      return;
    }
    this.env.observe({ kind: "worked", worker: this.process.name, token: tokenOf(call.claim) });
    const kept: { result: Answer<readonly string[]> | null; waiting: Reply<null>[] } = {
      result: null,
      waiting: [reply],
    };
    this.keep(key, kept);
    this.pullWeights(this.run, call, (weights) => {
      if (weights.kind !== "ok")
        this.answer(key, kept, refused("PEER_UNREACHABLE", `cannot pull weights: ${weights.reason}`));
      else this.compute(key, kept, { ...call, input: { ...call.input, weights: weights.value } });
    });
  }

  /** The coordinator fetches what a finished piece of work left here. */
  outputs(claim: session.LeaseClaim, key: string): Answer<readonly string[]> {
    const kept = this.kept.get(`${tokenOf(claim)}/${key}`);
    if (!kept?.result)
      this.env.trace(this.process.name, `does not hold ${tokenOf(claim)}/${key}, but ${[...this.kept.keys()]}`);
    return kept?.result ?? refused("INTERNAL", "no such blob");
  }

  ping(claim: session.LeaseClaim, reply: Reply<null>): void {
    if (this.admit(session.command(this.session, claim, this.env.world.nowMs), claim, reply)) reply(ok(null));
  }

  detach(claim: session.LeaseClaim): void {
    const admission = session.command(this.session, claim, this.env.world.nowMs);
    if (admission.kind === "admit") this.becomeIdle("released");
  }

  renewed(): void {
    this.session = session.contact(this.session, this.env.world.nowMs);
  }

  private pullWeights(run: AttachCall, call: WorkCall, done: (answer: Answer<string>) => void): void {
    const { network } = this.env;
    network.call<string>(
      this.process,
      run.coordinator,
      30_000,
      (reply) => reply(run.serveWeights(call.input.weights)),
      done,
    );
  }

  private compute(
    key: string,
    kept: { result: Answer<readonly string[]> | null; waiting: Reply<null>[] },
    call: WorkCall,
  ): void {
    const { world, scenario } = this.env;
    const units = call.end - call.first;
    this.queue.push(() => {
      // What was asked for under a lease that has gone is of no use to anybody.
      if (!session.isHeldBy(this.session, call.claim)) {
        this.answer(key, kept, refused("LEASE_LOST", "freed before it began"));
        return;
      }
      this.isComputing = true;
      world.after(units * scenario.unitMs * this.slowness * world.rng.uniform(0.8, 1.2), this.process, () => {
        this.isComputing = false;
        const results = Array.from({ length: units }, (_, i) => this.result(call.input, call.first + i));
        this.answer(key, kept, ok(results));
        this.computeNext();
      });
    });
    this.computeNext();
  }

  private computeNext(): void {
    while (!this.isComputing && this.queue.length > 0) this.queue.shift()!();
  }

  /** Garbage shows (NaN, a wrong digest); a lie is a wrong number that looks like any other. */
  private result(input: UnitInput, unit: number): string {
    if (this.sickness === "garbage") return "NaN";
    const truth = computeUnit(input, unit);
    const isAudited = /^\d+$/.test(input.purpose);
    return this.sickness === "lies" && isAudited ? `${truth}, says ${this.id}` : truth;
  }

  /** SIGTERM: the piece in hand is finished, then the process ends. */
  drain(): void {
    this.isDraining = true;
    this.beat();
    this.leaveSoon(20);
  }

  private leaveSoon(triesLeft: number): void {
    const isFree = this.session.kind === "idle" && !this.isComputing;
    if (isFree || triesLeft === 0) this.process.kill();
    else this.env.world.after(500, this.process, () => this.leaveSoon(this.isComputing ? triesLeft : triesLeft - 1));
  }

  private answer(
    key: string,
    kept: { result: Answer<readonly string[]> | null; waiting: Reply<null>[] },
    result: Answer<readonly string[]>,
  ): void {
    kept.result = result;
    for (const reply of kept.waiting.splice(0)) reply(result.kind === "ok" ? ok(null) : result);
    if (result.kind !== "ok") this.kept.delete(key);
  }

  private keep(key: string, kept: { result: Answer<readonly string[]> | null; waiting: Reply<null>[] }): void {
    this.kept.set(key, kept);
    for (const oldest of this.kept.keys()) {
      if (this.kept.size <= keptMax) return;
      this.kept.delete(oldest);
    }
  }

  private admit(admission: session.Admission, claim: session.LeaseClaim, reply: Reply<never>): boolean {
    if (admission.kind === "refuse" && !this.env.bugs.dropFencing) {
      reply(refused("LEASE_LOST", admission.reason));
      return false;
    }
    if (admission.kind === "admit") this.session = admission.session;
    this.env.observe({ kind: "admitted", worker: this.process.name, token: tokenOf(claim) });
    return true;
  }

  private beat(): void {
    const { bus, coordinators } = this.env;
    const beat = {
      workerId: this.id,
      protocolVersion,
      fingerprint: "sim",
      pid: this.incarnation,
      state: this.isDraining ? ("draining" as const) : ("ready" as const),
      leasedBy: this.session.kind === "attached" ? this.session.runId : null,
    };
    const alive = () => coordinators.map((node) => node.process).filter((process) => process.isAlive);
    bus.publish(this.process, alive, (to) => {
      coordinators.find((node) => node.process === to)?.onBeat(beat);
    });
  }

  private tick(): void {
    if (session.expired(this.session, this.env.world.nowMs, leaseMs)) this.becomeIdle("the coordinator fell silent");
  }

  private becomeIdle(reason: string): void {
    this.env.trace(this.process.name, `is idle: ${reason}`);
    this.session = session.release(this.session);
    this.run = null;
    this.kept.clear();
  }
}

function tokenOf({ generation = 0, token }: session.LeaseClaim): Token {
  return [generation, token];
}
