/** The event log of a run elsewhere, from the bus's stream: everything it still holds, then live, until the run ends. */
import type { ConsumerMessages, JsMsg } from "nats";
import { AppError } from "../../shared/errors.js";
import { type Bus, parseJson } from "../../shared/net/bus.js";
import { eventStream, type RunEventRecord, runEventRecordSchema, subjects } from "../../shared/net/subjects.js";

/** How often a silent run is asked whether it still lives, milliseconds. */
const aliveCheckMs = 3_000;

/** @param isOver whether no coordinator works on the run any more. */
export async function* busEvents(
  bus: Bus,
  runId: string,
  isOver: () => Promise<boolean>,
  signal: AbortSignal,
): AsyncGenerator<RunEventRecord> {
  const messages = await consume(bus, runId);
  const stop = () => messages.stop();
  signal.addEventListener("abort", stop, { once: true });
  // An ordered consumer of a run that is over would wait for ever.
  const timer = setInterval(() => void isOver().then((over) => over && stop()), aliveCheckMs);
  try {
    for await (const message of messages) {
      const { data } = runEventRecordSchema.safeParse(parseJson(message.data));
      if (data) yield data;
      // A resumed run's log has an end in the middle.
      if (data?.kind === "run-ended" && isNewest(message) && (await isOver())) return;
    }
  } finally {
    clearInterval(timer);
    signal.removeEventListener("abort", stop);
    await messages.close();
  }
}

async function consume(bus: Bus, runId: string): Promise<ConsumerMessages> {
  try {
    const consumer = await bus.connection
      .jetstream({ timeout: 5_000 })
      .consumers.get(eventStream, { filterSubjects: subjects.event(runId) });
    return await consumer.consume();
  } catch (cause) {
    throw new AppError("BROKER_UNREACHABLE", `${bus.url} has no event log`, {
      hint: "Check --nats: no run has used this broker, or it runs without JetStream (-js).",
      cause,
    });
  }
}

function isNewest(message: JsMsg): boolean {
  return message.info.pending === 0;
}
