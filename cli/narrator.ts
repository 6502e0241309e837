/**
 * Tells the event log to people: one line per round, worker or oddity. What comes by the hundred (masks kept, doubtful
 * tags) is counted and told once at the end of its phase. Fed with records in order, live or from a file.
 */
import pc from "picocolors";
import { z } from "zod";
import { engineRemark } from "../shared/engine-name.js";
import type { RunEventRecord } from "../shared/net/subjects.js";
import { describeEvent, duration, fieldText } from "./event-text.js";
import { score } from "./stage-table.js";

const maybe = z.number().nullable();
/** As coordinator/stage-book.ts writes it. */
const stageSchema = z.object({
  name: z.string(),
  labels: z.object({ miou: maybe, precision: maybe, recall: maybe }).nullable(),
  val: z.object({ miou: maybe, fgMiou: maybe, boundaryIou: maybe }).nullable(),
  changedShare: maybe,
  seconds: z.number(),
});
type StageEvent = z.infer<typeof stageSchema>;

/** Photos named in a summary; the log has the rest. */
const namedMax = 5;

export class Narrator {
  /** A round whose validation may still come. */
  private pending: StageEvent | null = null;
  private kept: { path: string; reason: string }[] = [];
  private doubtful: string[] = [];
  private hasWorked = false;

  tell(record: RunEventRecord): string[] {
    const text = (name: string) => fieldText(record, name);
    switch (record.kind) {
      case "stage":
        return this.stage(stageSchema.safeParse(record).data);
      case "labels-kept":
        this.kept.push({ path: text("path"), reason: text("reason") });
        return [];
      case "tag-doubtful":
        this.doubtful.push(text("path"));
        return [];
      case "phase-started":
        return text("phase").startsWith("evaluate") ? [] : this.flushStage();
      case "phase-done":
        return this.flushCounts();
      case "run-ended":
        return [...this.flushCounts(), ...this.flushStage()];
      case "waiting":
        // Before the first worker is there, waiting is no news.
        return [this.hasWorked ? pc.yellow(text("reason")) : pc.dim(text("reason"))];
      case "worker-joined":
        return this.joined(record);
    }
    const line = describeEvent(record);
    return line === null ? [] : [line];
  }

  /** What kind of engine computes is told once: a run has one kind. */
  private joined(record: RunEventRecord): string[] {
    const remark = this.hasWorked ? null : engineRemark(fieldText(record, "fingerprint"));
    this.hasWorked = true;
    return [...(remark === null ? [] : [pc.yellow(remark)]), describeEvent(record) ?? ""];
  }

  private stage(stage: StageEvent | undefined): string[] {
    if (!stage) return [];
    this.pending = stage;
    return stage.name.startsWith("round-") && stage.val === null ? [] : this.flushStage();
  }

  private flushStage(): string[] {
    const stage = this.pending;
    this.pending = null;
    return stage ? [stageLine(stage)] : [];
  }

  private flushCounts(): string[] {
    const { kept, doubtful } = this;
    this.kept = [];
    this.doubtful = [];
    const lines: string[] = [];
    if (kept.length > 0) {
      lines.push(pc.dim(`${count(kept, "new mask")} refused, the old kept: ${reasons(kept)}`));
    }
    if (doubtful.length > 0) {
      const what = "the classifier sees no sign of the tag in";
      lines.push(pc.yellow(`${count(doubtful, "doubtful tag")}: ${what} ${named(doubtful)}`));
    }
    return lines;
  }
}

function stageLine({ name, labels, val, changedShare, seconds }: StageEvent): string {
  const parts = [
    labels ? `labels mIoU ${score(labels.miou)}` : "",
    val ? `val mIoU ${score(val.miou)} fg ${score(val.fgMiou)} boundary ${score(val.boundaryIou)}` : "",
    changedShare === null ? "" : `${(changedShare * 100).toFixed(1)} % of the labels changed`,
  ].filter((part) => part !== "");
  const took = seconds > 0 ? pc.dim(` (${duration(seconds)})`) : "";
  return `${pc.green(name.padEnd(8))} ${parts.join(", ") || "done"}${took}`;
}

function count(items: readonly unknown[], noun: string): string {
  return `${items.length} ${noun}${items.length === 1 ? "" : "s"}`;
}

/** "no foreground is left (5, as horse/1.jpg), shrank to ... of the old foreground (2, as horse/7.jpg)" */
function reasons(kept: readonly { readonly path: string; readonly reason: string }[]): string {
  const groups = new Map<string, string[]>();
  for (const { path, reason } of kept) {
    const kind = reason.replace(/[\d.]+ %/g, "...");
    groups.set(kind, [...(groups.get(kind) ?? []), path]);
  }
  const sorted = [...groups].sort(([, a], [, b]) => b.length - a.length);
  return sorted.map(([kind, paths]) => `${kind} (${paths.length}, as ${paths[0]})`).join(", ");
}

function named(items: readonly string[]): string {
  const more = items.length - namedMax;
  return items.slice(0, namedMax).join(", ") + (more > 0 ? ` and ${more} more` : "");
}
