import type { Checker } from "./checker.js";

/** What was called safe is still there after any crash, power cuts included. */
export function durable(): Checker {
  let safe = 0;
  let by = "nobody";
  return {
    name: "what is committed survives",
    see(observation) {
      if (observation.kind === "durable" && observation.position > safe) {
        safe = observation.position;
        by = observation.coordinator;
      }
      if (observation.kind !== "resumed" || observation.position >= safe) return null;
      return `${observation.coordinator} resumes at ${observation.position}, but ${by} had made ${safe} durable`;
    },
  };
}
