import type { Checker } from "./checker.js";

/** A step is committed at most once per sitting, and to the same weights in all of them. */
export function oneCommit(): Checker {
  const seen = new Set<string>();
  const weightsOf = new Map<string, string>();
  return {
    name: "one commit per step, equal weights at equal steps",
    see(observation) {
      if (observation.kind !== "committed") return null;
      const { coordinator, key, weights } = observation;
      if (seen.has(`${coordinator} ${key}`)) return `${coordinator} committed ${key} twice`;
      seen.add(`${coordinator} ${key}`);
      const known = weightsOf.get(key);
      if (known !== undefined && known !== weights) return `${coordinator} has ${weights} at ${key}, not ${known}`;
      weightsOf.set(key, weights);
      return null;
    },
  };
}
