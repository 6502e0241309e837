/** What a key does to the view. Pure. */
import type { RunEventRecord } from "../../shared/net/subjects.js";
import type { Panel } from "./screen.js";

export interface Controls {
  readonly focus: Panel;
  readonly scroll: Readonly<Record<Panel, number>>;
  readonly showsHelp: boolean;
  /** Events shown; null: all, live. */
  readonly shown: number | null;
}

export const initialControls: Controls = {
  focus: "troubles",
  scroll: { workers: 0, troubles: 0 },
  showsHelp: false,
  shown: null,
};

const page = 10;

/** `key` as node:readline names it. Null: close the view. */
export function pressed(
  controls: Controls,
  key: string,
  events: readonly RunEventRecord[],
  lengths: Readonly<Record<Panel, number>>,
): Controls | null {
  const { focus, showsHelp } = controls;
  const moved = (by: number): Controls => {
    const at = Math.min(Math.max(0, lengths[focus] - 1), Math.max(0, controls.scroll[focus] + by));
    return { ...controls, scroll: { ...controls.scroll, [focus]: at } };
  };
  switch (key) {
    case "q":
    case "escape":
      return showsHelp ? { ...controls, showsHelp: false } : null;
    case "?":
      return { ...controls, showsHelp: !showsHelp };
    case "tab":
      return { ...controls, focus: focus === "workers" ? "troubles" : "workers" };
    case "up":
      return moved(-1);
    case "down":
      return moved(1);
    case "pageup":
      return moved(-page);
    case "pagedown":
      return moved(page);
    case "left":
      return { ...controls, shown: before(phaseEnds(events), controls.shown ?? Number.POSITIVE_INFINITY) };
    case "right":
      return { ...controls, shown: after(phaseEnds(events), controls.shown) };
    case "end":
      return { ...controls, shown: null };
    default:
      return controls;
  }
}

/** Numbers of events after which something new begins. */
function phaseEnds(events: readonly RunEventRecord[]): number[] {
  return events.flatMap(({ kind }, index) => (kind === "phase-started" && index > 0 ? [index] : []));
}

function before(ends: readonly number[], shown: number): number | null {
  return ends.findLast((end) => end < shown) ?? ends[0] ?? null;
}

/** Past the last one it is live again. */
function after(ends: readonly number[], shown: number | null): number | null {
  return shown === null ? null : (ends.find((end) => end > shown) ?? null);
}
