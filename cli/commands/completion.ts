/** `seedgrow completion SHELL`: prints a script that completes commands and options. */
import { Argument, Command } from "commander";
import { completionScript, type Shell, shells } from "../completion/shells.js";
import { wordsOf } from "../completion/words.js";

/** @param program with all commands, asked for when this one runs. */
export function completionCommand(program: () => Promise<Command>): Command {
  return new Command("completion")
    .description("print a script that completes commands and options in your shell")
    .addArgument(new Argument("<shell>", "your shell").choices(shells))
    .addHelpText(
      "after",
      `
Examples:
  $ source <(seedgrow completion bash)                                        for this terminal
  $ seedgrow completion bash >> ~/.bashrc                                     for every one
  $ seedgrow completion zsh > "\${fpath[1]}/_seedgrow"
  $ seedgrow completion fish > ~/.config/fish/completions/seedgrow.fish`,
    )
    .action(async (shell: Shell) => {
      process.stdout.write(completionScript(shell, wordsOf(await program())));
    });
}
