/** Questions and commands to a running coordinator over the bus: does it live, and `seedgrow stop`. */
import { ErrorCode, type NatsError } from "nats";
import { AppError } from "../../shared/errors.js";
import { type Bus, parseJson } from "../../shared/net/bus.js";
import { type ControlRequest, controlRequestSchema, subjects } from "../../shared/net/subjects.js";
import { onMessage } from "../../shared/observe/tracing.js";

/** Returns a function that stops listening. */
export async function listenForControl(
  bus: Bus,
  runId: string,
  onStop: (reason: string) => void,
): Promise<() => Promise<void>> {
  const subscription = bus.connection.subscribe(subjects.control(runId), {
    callback: (error, message) => {
      if (error) return;
      const request = controlRequestSchema.safeParse(parseJson(message.data));
      onMessage(message, () => {
        message.respond(JSON.stringify({ ok: request.success }));
        if (request.success && request.data.op === "stop") onStop("stopped by `seedgrow stop`");
      });
    },
  });
  const pings = bus.connection.subscribe(subjects.ping(runId), {
    callback: (error, message) => void (error ?? message.respond()),
  });
  return async () => {
    subscription.unsubscribe();
    pings.unsubscribe();
  };
}

export function pingCoordinator(bus: Bus, runId: string): Promise<void> {
  return ask(bus, runId, subjects.ping(runId), "");
}

export function askCoordinator(bus: Bus, runId: string, request: ControlRequest): Promise<void> {
  return ask(bus, runId, subjects.control(runId), JSON.stringify(request));
}

/** @throws AppError RUN_NOT_FOUND when no coordinator answers for the run, CERT_ROLE when it may not be asked. */
async function ask(bus: Bus, runId: string, subject: string, message: string): Promise<void> {
  try {
    await bus.connection.request(subject, message, { timeout: 3_000 });
  } catch (cause) {
    if ((cause as Partial<NatsError>).code === ErrorCode.PermissionsViolation) {
      throw new AppError("CERT_ROLE", `this certificate may look at run ${runId}, but not command it`, { cause });
    }
    throw new AppError("RUN_NOT_FOUND", `no coordinator of run ${runId} answers on ${bus.url}`, {
      hint: "The run is not running any more: `seedgrow runs` shows how it ended.",
      cause,
    });
  }
}
