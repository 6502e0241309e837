/** What a result tells people of single photos, as lines of the event log. Pure. */
import type { WorkMetrics } from "../shared/data/work-metrics.js";

export function notesOf({ kept = [], doubtful = [] }: WorkMetrics) {
  return [
    ...kept.map(({ path, reason }) => ({ kind: "labels-kept", path, reason })),
    ...doubtful.map(({ path, scores }) => ({ kind: "tag-doubtful", path, scores })),
  ];
}
