/** What workers pull from each other in sharded training, by phase: for the event log. */
import type { WorkMetrics } from "../shared/data/work-metrics.js";
import { phaseKey } from "./core/plan.js";
import type { WorkOrder } from "./requests.js";

interface Counted {
  /** Of gradients. */
  exchangeBytes: number;
  /** Of the model and the optimiser's state, by workers that came late. */
  syncBytes: number;
  /** Updates of single workers: steps times workers, where nobody was lost. */
  updates: number;
}

export class WireBytes {
  private readonly phases = new Map<string, Counted>();

  add({ phase, purpose }: Pick<WorkOrder, "phase" | "purpose">, { pulledBytes = 0 }: WorkMetrics): void {
    if (!("step" in purpose)) return;
    const key = phaseKey(phase);
    const counted = this.phases.get(key) ?? { exchangeBytes: 0, syncBytes: 0, updates: 0 };
    this.phases.set(key, counted);
    if (purpose.kind === "step") counted.syncBytes += pulledBytes;
    else counted.exchangeBytes += pulledBytes;
    if (purpose.kind === "apply") counted.updates++;
  }

  /** Lines that follow this one in the event log: at the end of a phase in which workers exchanged something. */
  after(record: { readonly kind: string; readonly phase?: unknown }) {
    const phase = String(record.phase);
    const counted = record.kind === "phase-done" ? this.phases.get(phase) : undefined;
    if (!counted || counted.updates === 0) return [];
    this.phases.delete(phase);
    const { exchangeBytes, syncBytes, updates } = counted;
    return [{ kind: "exchange", phase, bytesPerUpdate: Math.round(exchangeBytes / updates), syncBytes, updates }];
  }
}
