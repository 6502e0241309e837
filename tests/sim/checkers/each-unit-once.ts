import type { Checker } from "./checker.js";

/** No unit is lost, and none counts twice. */
export function eachUnitOnce(): Checker {
  const counted = new Map<string, Set<number>>();
  return {
    name: "every unit counts exactly once",
    see(observation) {
      if (observation.kind === "counted") {
        const { coordinator, key, first, end } = observation;
        const units = counted.get(`${coordinator} ${key}`) ?? new Set();
        counted.set(`${coordinator} ${key}`, units);
        for (let unit = first; unit < end; unit++) {
          if (units.has(unit)) return `${coordinator} counted unit ${unit} of ${key} twice`;
          units.add(unit);
        }
      }
      if (observation.kind === "committed") {
        const { coordinator, key, units } = observation;
        const count = counted.get(`${coordinator} ${key}`)?.size ?? 0;
        counted.delete(`${coordinator} ${key}`);
        if (count !== units) return `${coordinator} committed ${key} with ${count} of ${units} units`;
      }
      return null;
    },
  };
}
