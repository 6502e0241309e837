/** Watches whether this worker is still let in (worker/core/standing.ts decides), and finds out why where it is not. */
import { Events } from "nats";
import { AppError } from "../../shared/errors.js";
import { type Bus, type ConnectBusOptions, connectBus } from "../../shared/net/bus.js";
import { isTrustProblem } from "../../shared/net/tls-problems.js";
import type { Trust } from "../../shared/net/trust.js";
import { initialStanding, type OwnCertificate, type StandingEvent, standingStep } from "../core/standing.js";

export interface StandingOptions {
  readonly bus: Bus;
  /** What `bus` was connected with. */
  readonly connect: ConnectBusOptions;
  readonly trust: Trust | null;
  readonly warn: (text: string, fields: Record<string, unknown>) => void;
  readonly nowMs: () => number;
  /** Between two looks, milliseconds. */
  readonly lookMs?: number;
}

export interface StandingWatch {
  /** Rejects when nobody will listen to this worker any more. */
  readonly ended: Promise<never>;
  readonly stop: () => void;
}

const lookMsDefault = 2_000;
/** Its end is near: said when a worker starts. */
const soonMs = 30 * 24 * 3_600_000;

export function watchStanding(options: StandingOptions): StandingWatch {
  const { bus, trust, warn, nowMs, lookMs = lookMsDefault } = options;
  let state = initialStanding;
  let isAway = false;
  let isAsking = false;
  let fail: (error: AppError) => void;
  const ended = new Promise<never>((_, reject) => {
    fail = reject;
  });
  // Nobody may be waiting yet.
  ended.catch(() => undefined);
  const take = (event: StandingEvent) => {
    const step = standingStep(state, event, nowMs());
    state = step.state;
    for (const effect of step.effects) {
      if (effect.kind === "end") fail(effect.error);
      else warn(effect.text, effect.problem ? { code: effect.problem.code, next: effect.problem.hint } : {});
    }
  };
  const ask = async () => {
    isAsking = true;
    const problem = await whyNot(options.connect);
    isAsking = false;
    if (isAway && problem) take({ kind: "bus-away", problem, isRefusal: isRefusal(problem) });
  };
  void followStatus(bus, (isThere) => {
    isAway = !isThere;
    if (isThere) take({ kind: "bus-back" });
  });
  warnOfEnd(trust, nowMs(), warn);
  const timer = setInterval(() => {
    take({ kind: "look", own: ownOf(trust) });
    if (isAway && !isAsking) void ask();
  }, lookMs);
  return { ended, stop: () => clearInterval(timer) };
}

async function followStatus({ connection }: Bus, onChange: (isThere: boolean) => void): Promise<void> {
  for await (const { type } of connection.status()) {
    if (type === Events.Disconnect) onChange(false);
    if (type === Events.Reconnect) onChange(true);
  }
}

/** Null: a new connection is let in, so the old one will be as well. */
async function whyNot(options: ConnectBusOptions): Promise<AppError | null> {
  try {
    const { connection } = await connectBus(options);
    await connection.close();
    return null;
  } catch (error) {
    return AppError.from(error);
  }
}

function isRefusal({ code }: AppError): boolean {
  return code === "BROKER_REFUSED" || isTrustProblem(code);
}

function ownOf(trust: Trust | null): OwnCertificate {
  if (!trust) return null;
  const { identity, notAfterMs, revocations } = trust;
  const notAfter = new Date(notAfterMs).toISOString();
  return { name: identity.name, notAfterMs, notAfter, isRevoked: revocations.has(identity.serial) };
}

function warnOfEnd(trust: Trust | null, nowMs: number, warn: StandingOptions["warn"]): void {
  if (!trust || trust.notAfterMs - nowMs > soonMs) return;
  const { name } = trust.identity;
  const until = new Date(trust.notAfterMs).toISOString();
  warn(`the certificate of ${name} ends at ${until}`, { next: `seedgrow certs renew ${name}, and copy its folder` });
}
