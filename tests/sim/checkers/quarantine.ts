import type { Checker } from "./checker.js";

/** Only a worker whose arithmetic was wrong at some time is ever shut out. */
export function quarantine(): Checker {
  const ill = new Set<unknown>();
  return {
    name: "no healthy worker is quarantined",
    see(observation) {
      if (observation.kind === "fellIll") ill.add(observation.workerId);
      if (observation.kind !== "reported" || observation.record.kind !== "worker-quarantined") return null;
      const { workerId, reason } = observation.record;
      return ill.has(workerId) ? null : `${observation.coordinator} shuts out ${workerId}, which was well: ${reason}`;
    },
  };
}
