/** Commands to a running coordinator over the bus: `seedgrow stop`. */
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
  return async () => subscription.unsubscribe();
}

/** @throws AppError RUN_NOT_FOUND when no coordinator answers for the run. */
export async function askCoordinator(bus: Bus, runId: string, request: ControlRequest): Promise<void> {
  try {
    await bus.connection.request(subjects.control(runId), JSON.stringify(request), { timeout: 3_000 });
  } catch (cause) {
    throw new AppError("RUN_NOT_FOUND", `no coordinator of run ${runId} answers on ${bus.url}`, {
      hint: "The run is not running any more: `seedgrow runs` shows how it ended.",
      cause,
    });
  }
}
