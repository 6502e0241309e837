/** `seedgrow`: runs the command that was asked for, and turns what goes wrong into an exit code. */
import type { Command } from "commander";
import { exitCodes } from "../shared/errors.js";
import { printError } from "./output.js";
import { buildProgram } from "./program.js";

const program = buildProgram();

/** Our exit code for a wrong flag, and the way to the right one; subcommands inherit neither. */
function adopt(command: Command): void {
  command.showHelpAfterError("(run with --help for the options)");
  command.exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : exitCodes.usage));
  for (const child of command.commands) adopt(child);
}
adopt(program);

try {
  await program.parseAsync();
} catch (thrown) {
  process.exitCode = printError(thrown, process.env.SEEDGROW_DEBUG === "1");
}
