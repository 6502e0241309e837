import type { Checker, Token } from "./checker.js";

/** No worker works for a lease older than the newest it has admitted. */
export function fencing(): Checker {
  const newest = new Map<string, Token>();
  return {
    name: "no work for an old lease",
    see(observation) {
      if (observation.kind !== "admitted" && observation.kind !== "worked") return null;
      const { worker, token } = observation;
      const held = newest.get(worker) ?? [0, 0];
      if (isOlder(token, held)) return `${worker} ${observation.kind} for lease ${token}, after ${held}`;
      newest.set(worker, token);
      return null;
    },
  };
}

function isOlder([generation, revision]: Token, [heldGeneration, heldRevision]: Token): boolean {
  return generation < heldGeneration || (generation === heldGeneration && revision < heldRevision);
}
