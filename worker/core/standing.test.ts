import { expect, test } from "vitest";
import { AppError } from "../../shared/errors.js";
import { refusedPatienceMs } from "../../shared/limits.js";
import { initialStanding, type StandingEvent, standingStep } from "./standing.js";

const refused: StandingEvent = {
  ...{ kind: "bus-away", isRefusal: true },
  problem: new AppError("BROKER_REFUSED", "the NATS server does not let gpu1 in", { hint: "do this" }),
};
const gone: StandingEvent = {
  ...{ kind: "bus-away", isRefusal: false },
  problem: new AppError("BROKER_UNREACHABLE", "no NATS server answers"),
};

/** What comes of the events, each at its time: "say ..." and "end CODE ...". */
function story(...events: readonly (readonly [number, StandingEvent])[]): string[] {
  let state = initialStanding;
  return events.flatMap(([nowMs, event]) => {
    const step = standingStep(state, event, nowMs);
    state = step.state;
    return step.effects.map((effect) =>
      effect.kind === "say" ? `say ${effect.text}` : `end ${effect.error.code} ${effect.error.message}`,
    );
  });
}

test("a refusal is said once, and after the patience it ends the worker with its own code and advice", () => {
  const told = story([0, refused], [5_000, refused], [refusedPatienceMs, refused]);
  expect(told).toEqual([
    "say the NATS server does not let gpu1 in: ending in 60 s if that stays so",
    "end BROKER_REFUSED refused for 60 s, and no longer waiting: the NATS server does not let gpu1 in",
  ]);
  const { effects } = standingStep({ refusedSinceMs: 0, said: null }, refused, refusedPatienceMs);
  expect(effects).toMatchObject([{ error: { hint: "do this", exitCode: 4 } }]);
});

test("a broker that is away is waited for without end, and said once", () => {
  expect(story([0, gone], [1e6, gone], [1e9, gone])).toEqual(["say no NATS server answers: waiting for it"]);
});

test("only refusals without a pause count: one that comes back, or goes away, starts anew", () => {
  const back: StandingEvent = { kind: "bus-back" };
  const late = refusedPatienceMs - 1;
  const told = story([0, refused], [late, back], [late + 1, refused], [2 * late, refused]);
  expect(told.map((text) => text.slice(0, 12))).toEqual(["say the NATS", "say NATS is ", "say the NATS"]);
  expect(story([0, refused], [late, gone], [late + 1, refused]).some((text) => text.startsWith("end"))).toBe(false);
});

test("a connection that never broke says nothing when it is there", () => {
  expect(story([0, { kind: "bus-back" }])).toEqual([]);
});

test("its own certificate: revoked or ended is the end at once, none or a good one is fine", () => {
  const own = { name: "gpu1", notAfterMs: 1_000, notAfter: "noon", isRevoked: false };
  expect(story([1_000, { kind: "look", own }], [9_000, { kind: "look", own: null }])).toEqual([]);
  expect(story([1_001, { kind: "look", own }])).toEqual([
    "end CERT_EXPIRED the certificate of gpu1 ended at noon, while this worker ran",
  ]);
  expect(story([0, { kind: "look", own: { ...own, isRevoked: true } }])).toEqual([
    "end CERT_REVOKED the certificate of gpu1 was revoked while this worker ran",
  ]);
});
