/** `seedgrow explain CODE`: more about an error than fits below it. */
import { Command } from "commander";
import { closest, distance } from "fastest-levenshtein";
import pc from "picocolors";
import { AppError, type ErrorCode, errorCodes, exitCodes } from "../../shared/errors.js";
import { explanations } from "../explain/explanations.js";
import { out, outJson } from "../output.js";

export function explainCommand(): Command {
  return new Command("explain")
    .description("say what an error code means, where it usually comes from, and what to try")
    .argument("[code]", "as in error [CODE]; without it: all of them")
    .option("--json", "print it as one line of JSON")
    .addHelpText("after", "\nExamples:\n  $ seedgrow explain NO_WORKERS\n  $ seedgrow explain")
    .action((code: string | undefined, { json }: { readonly json?: boolean }) => {
      if (code === undefined) return json ? outJson(Object.keys(errorCodes)) : printAll();
      const known = codeNamed(code);
      const [exitCode, advice] = errorCodes[known];
      if (json) outJson({ code: known, exitCode, advice, ...explanations[known] });
      else printOne(known);
    });
}

function codeNamed(text: string): ErrorCode {
  const code = text.toUpperCase().replace(/[^A-Z_]/g, "");
  if (Object.hasOwn(errorCodes, code)) return code as ErrorCode;
  const codes = Object.keys(errorCodes);
  const near = closest(code, codes);
  const hint = distance(code, near) <= 4 ? `Did you mean ${near}?` : "`seedgrow explain` lists them.";
  throw new AppError("USAGE", `there is no error code ${text}`, { hint });
}

function printOne(code: ErrorCode): void {
  const [exitCode] = errorCodes[code];
  const { means, causes, tries } = explanations[code];
  const [kind] = Object.entries(exitCodes).find(([, value]) => value === exitCode)!;
  out(`${pc.bold(code)}  exit code ${exitCode} (${kind})\n\n${means}\n\nUsually:`);
  for (const cause of causes) out(`  - ${cause}`);
  out("\nTry:");
  for (const step of tries) out(`  - ${step}`);
}

function printAll(): void {
  const width = Math.max(...Object.keys(errorCodes).map((code) => code.length));
  for (const [code, { means }] of Object.entries(explanations)) out(`${pc.bold(code.padEnd(width))}  ${means}`);
}
