/** docs/ERRORS.md, from the table of codes. Pure. */
import { type ErrorCode, errorCodes, exitCodes } from "../../shared/errors.js";
import { generatedNote, table } from "./markdown.js";

const meanings: Readonly<Record<keyof typeof exitCodes, string>> = {
  internal: "a bug in seedgrow",
  usage: "the command or its settings are wrong: nothing was done; correct it",
  data: "photos, masks or a model are missing or broken",
  environment: "this machine lacks something: engine, broker, disk, port",
  cluster: "workers are missing or fail; the same command may work later",
  interrupted: "stopped by a signal or by `seedgrow stop`; a run can be resumed",
};

/** What has happened when this is printed; the advice is in shared/errors.ts. */
const codeMeanings: Readonly<Record<ErrorCode, string>> = {
  INTERNAL: "something that cannot be",
  USAGE: "flags that do not go together, or something missing",
  CONFIG_INVALID: "a setting that does not exist or is out of range; all of them are listed",
  RUN_NOT_FOUND: "no run, or several, of that name; or one that is not in a state for the command",
  RUN_BUSY: "a coordinator that still runs holds the run",
  DATA_NOT_FOUND: "a file or folder of the data is not there",
  DATA_EMPTY: "no usable photo, or none of some class",
  DATA_BROKEN: "photos that cannot be decoded, more than are tolerated",
  DATA_TAGS: "tags that contradict each other, or none at all",
  MASK_INVALID: "a true mask that is no PNG of class ids, or not of its photo's size",
  MODEL_INVALID: "a saved model that is damaged, incomplete or of another version",
  BACKBONE_INVALID: "a backbone that cannot be read, or has no features at the strides needed",
  DIGEST_MISMATCH: "bytes that are not what their name says: altered on the way or on disk",
  CHECKPOINT_INVALID: "a file of the run's folder that is torn, altered or missing, and has no older one in its place",
  ENGINE_MISSING: "TensorFlow is not installed",
  ENGINE_FAILED: "TensorFlow is there and does not load, or its thread has ended",
  BROKER_MISSING: "there is no nats-server to start",
  BROKER_UNREACHABLE: "no NATS server answers, or it has no JetStream",
  PORT_BUSY: "another program listens there",
  DISK_FULL: "a file could not be written; what was written before is whole",
  NO_WORKERS: "every worker has ended, or none ever came",
  WORK_FAILED: "a piece of work that nobody could do: it is not the machines",
  PEER_UNREACHABLE: "a worker and its coordinator do not reach each other",
  MESSAGE_INVALID: "a message or result that is not what the protocol says; the worker that sends two is quarantined",
  TRAINING_DIVERGED: "gradients that are not numbers, whoever computes them",
  LEASE_LOST: "a newer coordinator of the run is at work, or a worker obeys another run; nothing more was written",
  INTERRUPTED: "stopped by a signal or by `seedgrow stop`, in order",
};

export function errorsDoc(): string {
  const exits = Object.entries(exitCodes).map(([name, code]) => {
    return [`\`${code}\``, name, meanings[name as keyof typeof exitCodes]];
  });
  const codes = Object.entries(errorCodes).map(([code, [exit, advice]]) => {
    return [`\`${code}\``, `\`${exit}\``, codeMeanings[code as ErrorCode], advice];
  });
  return `# Errors

${generatedNote}

An error prints its code, what happened, the causes below it, and what to do next:

\`\`\`
error [BROKER_UNREACHABLE] no NATS server answers at nats://head:4222
  because: CONNECTION_REFUSED
  next: Check --nats and that nats-server runs with JetStream (-js).
\`\`\`

Codes are stable: scripts may rely on them. \`SEEDGROW_DEBUG=1\` adds the stack.

## Exit codes

${table(["code", "name", "meaning"], [["`0`", "done", "it worked"], ...exits])}

## Error codes

The advice is the general one; where more is known, the error says it.

${table(["code", "exit", "what has happened", "what to do"], codes)}
`;
}
