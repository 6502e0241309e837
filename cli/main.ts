/** `seedgrow`: runs the command that was asked for, and turns what goes wrong into an exit code. */
import type { Command } from "commander";
import { exitCodes } from "../shared/errors.js";
import { printError } from "./output.js";
import { buildProgram } from "./program.js";

const program = await buildProgram(process.argv[2]);

/** Our exit code for a wrong flag, and the way to the right one; subcommands inherit neither. */
function adopt(command: Command): void {
  command.showHelpAfterError("(run with --help for the options)");
  command.exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : exitCodes.usage));
  for (const child of command.commands) adopt(child);
}
adopt(program);

/** `seedgrow ... | head`: whoever reads has seen enough, which is no error. A run goes on by `seedgrow resume`. */
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit(0);
});

try {
  await program.parseAsync();
} catch (thrown) {
  process.exitCode = printError(thrown, process.env.SEEDGROW_DEBUG === "1");
}
