/** docs/ERRORS.md, from the table of codes. Pure. */
import { type ErrorCode, errorCodes, exitCodes } from "../../shared/errors.js";
import { explanations } from "../explain/explanations.js";
import { generatedNote, table } from "./markdown.js";

const meanings: Readonly<Record<keyof typeof exitCodes, string>> = {
  internal: "a bug in seedgrow",
  usage: "the command or its settings are wrong: nothing was done; correct it",
  data: "photos, masks or a model are missing or broken",
  environment: "this machine lacks something: engine, broker, disk, port",
  cluster: "workers are missing or fail; the same command may work later",
  interrupted: "stopped by a signal or by `seedgrow stop`; a run can be resumed",
};

export function errorsDoc(): string {
  const exits = Object.entries(exitCodes).map(([name, code]) => {
    return [`\`${code}\``, name, meanings[name as keyof typeof exitCodes]];
  });
  const codes = Object.entries(errorCodes).map(([code, [exit, advice]]) => {
    return [`\`${code}\``, `\`${exit}\``, explanations[code as ErrorCode].means, advice];
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

${table(["code", "exit", "what it means", "what to do"], codes)}
`;
}
