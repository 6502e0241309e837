/**
 * The results of a phase's shards, each made durable as it is accepted: a coordinator that is killed in the middle of a
 * phase finds them again, and asks nobody twice. First the packs, then the entry that names them by digest: an entry
 * whose packs are not whole is none.
 */
import type { Digest } from "../shared/codec/digest.js";
import { runFiles } from "../shared/data/run-record.js";
import { parseWorkMetrics } from "../shared/data/work-metrics.js";
import type { RunStore } from "./adapters/run-store.js";
import type { WorkResult } from "./adapters/worker-links.js";
import { type LedgerEntry, ledgerEntrySchema } from "./core/ledger.js";
import { type Phase, phaseKey } from "./core/plan.js";

export class ShardLedger {
  private results = new Map<number, WorkResult>();
  private writes: Promise<void>[] = [];

  constructor(private readonly store: RunStore) {}

  /** Finds what earlier sittings have accepted. Returns the shards. */
  async open(phase: Phase): Promise<number[]> {
    for (const [shard, entry] of await this.store.readLedger(phaseKey(phase))) {
      const result = await this.read(phase, shard, entry).catch(() => null);
      if (result && shard < phase.units) this.results.set(shard, result);
    }
    return [...this.results.keys()].sort((a, b) => a - b);
  }

  accept(phase: Phase, shard: number, result: WorkResult): void {
    this.results.set(shard, result);
    const write = this.write(phase, shard, result);
    // Heard by `close`; until then a failed write is no unhandled one.
    write.catch(() => undefined);
    this.writes.push(write);
  }

  /** All results in the order of shards, once they are durable. The next phase starts empty. @throws AppError DISK_FULL */
  async close(): Promise<WorkResult[]> {
    await Promise.all(this.writes);
    const results = [...this.results].sort(([a], [b]) => a - b).map(([, result]) => result);
    this.results = new Map();
    this.writes = [];
    return results;
  }

  private async write(phase: Phase, shard: number, { outputs, images, metrics }: WorkResult): Promise<void> {
    await Promise.all(outputs.map(({ name, bytes }) => this.store.writePack(packPath(phase, name, shard), bytes)));
    const named = outputs.map(({ name, digest }) => ({ name, digest }));
    await this.store.writeLedger(phaseKey(phase), shard, {
      outputs: ledgerEntrySchema.shape.outputs.parse(named),
      images,
      metrics: JSON.stringify(metrics),
    });
  }

  private async read(phase: Phase, shard: number, { outputs, images, metrics }: LedgerEntry): Promise<WorkResult> {
    const packs = outputs.map(async ({ name, digest }) => {
      return { name, digest, bytes: await this.store.readBlob(packPath(phase, name, shard), digest) };
    });
    const whole = { outputs: await Promise.all(packs), sums: [], kept: [], metrics: parseWorkMetrics(metrics) };
    return { ...whole, images, computeMs: 0, waitMs: 0 };
  }
}

function packPath(phase: Phase, name: string, shard: number): string {
  return name === "cam" ? runFiles.camPack(shard) : runFiles.labelPack(phase.round, shard);
}

/** One output of every shard, in their order. */
export function packsOf(results: readonly WorkResult[], name: string): { digest: Digest; bytes: Uint8Array }[] {
  const packs = results.map(({ outputs }) => outputs.find((output) => output.name === name)!);
  return packs.map(({ digest, bytes }) => ({ digest, bytes }));
}
