/** JSON logs: one line each, one schema for coordinator and worker (docs/OBSERVABILITY.md). */
import { hostname } from "node:os";
import pino, { type Logger } from "pino";
import { z } from "zod";

export const logLineSchema = z.looseObject({
  /** ISO 8601, UTC. */
  time: z.iso.datetime(),
  level: z.enum(["debug", "info", "warn", "error"]),
  component: z.enum(["coordinator", "worker"]),
  host: z.string(),
  pid: z.int(),
  /** For people. */
  msg: z.string(),
  /** Of the run it is about. */
  runId: z.string().nullable().optional(),
  /** Kind of an event of the run's log, whose fields follow. */
  event: z.string().optional(),
});
export type LogLine = z.infer<typeof logLineSchema>;

/** To stderr, at once: what a process says last is what one wants to know. */
export function openLog(component: LogLine["component"]): Logger {
  const options: pino.LoggerOptions = {
    base: { component, host: hostname(), pid: process.pid },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (level) => ({ level }) },
  };
  return pino(options, pino.destination({ dest: 2, sync: true }));
}
