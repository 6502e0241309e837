import type { Checker } from "./checker.js";

/** Whoever finishes has the bits of the undisturbed run; the only other end is that of an older coordinator. */
export function finalWeights(expected: string): Checker {
  return {
    name: "the result is the undisturbed run's",
    see(observation) {
      if (observation.kind !== "ended") return null;
      const { coordinator, state, reason, weights } = observation;
      if (state === "superseded") return null;
      if (state !== "done") return `${coordinator} ended ${state}: ${reason}`;
      return weights === expected ? null : `${coordinator} ended with ${weights}, not ${expected}`;
    },
  };
}
