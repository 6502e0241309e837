/** Lets the scenario's troubles happen at random moments, and ends them all. */
import { CoordinatorNode } from "./coordinator-node.js";
import type { Env } from "./env.js";
import type { FaultRates } from "./faults.js";
import { WorkerNode } from "./worker-node.js";

const minuteMs = 60_000;

export class Troubles {
  private incarnations = 0;
  private readonly ill = new Set<string>();
  /** Workers that were asked to stay away until the troubles end. */
  private readonly gone = new Set<string>();
  private isOver = false;

  constructor(private readonly env: Env) {}

  start(): void {
    const { scenario } = this.env;
    this.startCoordinator();
    for (let i = 1; i <= scenario.workers; i++) this.startWorker(`w${i}`);
    if (scenario.troubleMs === 0) {
      this.isOver = true;
      return;
    }
    for (const kind of Object.keys(scenario.rates) as (keyof FaultRates)[]) this.plan(kind);
    this.env.world.after(scenario.troubleMs, null, () => this.endAll());
  }

  get areOver(): boolean {
    return this.isOver;
  }

  private plan(kind: keyof FaultRates): void {
    const { world, scenario } = this.env;
    const rate = scenario.rates[kind];
    if (rate === 0) return;
    world.after((-Math.log(1 - world.rng.next()) * minuteMs) / rate, null, () => {
      if (this.isOver) return;
      this.strike(kind);
      this.plan(kind);
    });
  }

  private strike(kind: keyof FaultRates): void {
    this.env.trace("world", kind);
    switch (kind) {
      case "workerCrash":
        this.crashWorker(this.someWorker(), false);
        return;
      case "workerLeave":
        this.crashWorker(this.someWorker(), true);
        return;
      case "workerPause":
        this.pause(this.someWorker()?.process);
        return;
      case "workerSlow":
        this.slow(this.someWorker());
        return;
      case "workerSick":
        this.sicken(this.someWorker());
        break;
      case "workerDrain":
        this.drain(this.someWorker());
        break;
      case "workerJoin":
        this.join();
        return;
      case "coordinatorCrash":
        this.crashCoordinator(false);
        return;
      case "powerCut":
        this.crashCoordinator(true);
        return;
      case "coordinatorPause":
        this.pause(this.someCoordinator()?.process);
        return;
      case "coordinatorTwin":
        this.twin();
        return;
      case "partition":
        this.partition();
        return;
      case "busRestart":
      case "busLoss":
        this.env.bus.restart(this.duration(20_000), kind === "busLoss");
        return;
    }
  }

  private endAll(): void {
    this.isOver = true;
    this.env.trace("world", "the troubles end");
    this.env.network.heal();
    for (const { process } of this.env.coordinators) process.resume();
    for (const node of this.env.workers.values()) {
      node.process.resume();
      node.slowness = 1;
      node.sickness = "none";
      if (!node.process.isAlive) this.startWorker(node.id);
    }
    this.supervise();
  }

  /** From now on a run that nobody works on is resumed, as its user would. */
  private supervise(): void {
    this.ensureCoordinator();
    this.env.world.after(5_000, null, () => this.supervise());
  }

  private startWorker(id: string): void {
    const held = this.env.workers.get(id);
    if (held?.process.isAlive) return;
    this.env.workers.set(id, new WorkerNode(this.env, id, ++this.incarnations));
  }

  private startCoordinator(): void {
    this.env.coordinators.push(new CoordinatorNode(this.env, this.env.coordinators.length));
  }

  /** Somebody resumes the run unless it is done. */
  private ensureCoordinator(): void {
    const { coordinators } = this.env;
    if (coordinators.some((node) => node.ended === "done")) return;
    if (!coordinators.some((node) => node.process.isAlive && node.ended === null)) this.startCoordinator();
  }

  private crashWorker(node: WorkerNode | null, stays: boolean): void {
    if (!node) return;
    node.process.kill();
    if (stays) this.gone.add(node.id);
    else this.env.world.after(this.duration(15_000), null, () => !this.gone.has(node.id) && this.startWorker(node.id));
  }

  private join(): void {
    const { workers } = this.env;
    const [back] = this.gone;
    if (back !== undefined) this.gone.delete(back);
    this.startWorker(back ?? `w${workers.size + 1}`);
  }

  /** Few enough that the run can do without them, and that nobody's lie is a majority. */
  private sicken(node: WorkerNode | null): void {
    const { scenario, world, observe } = this.env;
    const isOneMore = node !== null && !this.ill.has(node.id);
    const wellMin = Math.max(scenario.workersMin, 2);
    if (!node || (isOneMore && (this.ill.size >= 2 || scenario.workers - this.ill.size - 1 < wellMin))) return;
    this.ill.add(node.id);
    observe({ kind: "fellIll", workerId: node.id });
    node.sickness = scenario.audit === 1 && world.chance(0.5) ? "lies" : "garbage";
    world.after(this.duration(30_000), null, () => {
      node.sickness = "none";
    });
  }

  private drain(node: WorkerNode | null): void {
    if (!node) return;
    node.drain();
    node.process.onDeath(() => {
      this.env.world.after(this.duration(15_000), null, () => !this.gone.has(node.id) && this.startWorker(node.id));
    });
  }

  private slow(node: WorkerNode | null): void {
    if (node) node.slowness = this.env.world.rng.uniform(1, 30);
  }

  private pause(process: { pause: () => void; resume: () => void } | undefined): void {
    process?.pause();
    this.env.world.after(this.duration(40_000), null, () => process?.resume());
  }

  private crashCoordinator(isPowerCut: boolean): void {
    const node = this.someCoordinator();
    if (!node) return;
    node.process.kill();
    if (isPowerCut) {
      // The folder's machine: whoever else writes there dies as well.
      for (const { process } of this.env.coordinators) process.kill();
      this.env.disk.powerCut();
    }
    this.env.world.after(this.duration(20_000), null, () => this.ensureCoordinator());
  }

  /** A second coordinator begins while the first lives, often frozen. */
  private twin(): void {
    if (this.env.coordinators.some((node) => node.ended === "done")) return;
    if (this.env.world.chance(0.6)) this.pause(this.someCoordinator()?.process);
    this.startCoordinator();
  }

  private partition(): void {
    const { world, network, workers, coordinators } = this.env;
    const hosts = [
      "bus",
      ...workers.keys(),
      ...coordinators.filter((node) => node.process.isAlive).map(({ name }) => name),
    ];
    const [a, b] = world.rng.shuffled(hosts);
    if (a === undefined || b === undefined) return;
    network.cut(a, b, world.chance(0.3));
    world.after(this.duration(40_000), null, () => network.mend(a, b));
  }

  private someWorker(): WorkerNode | null {
    const alive = [...this.env.workers.values()].filter((node) => node.process.runs);
    return alive[this.env.world.rng.integer(Math.max(1, alive.length))] ?? null;
  }

  private someCoordinator(): CoordinatorNode | null {
    const alive = this.env.coordinators.filter((node) => node.process.runs && node.ended === null);
    return alive[this.env.world.rng.integer(Math.max(1, alive.length))] ?? null;
  }

  private duration(mostMs: number): number {
    const { rng } = this.env.world;
    return mostMs * rng.next() ** 2;
  }
}
