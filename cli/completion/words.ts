/** The table of commands as plain words. */
import type { Command, Option } from "commander";
import type { CommandWords, OptionWords } from "./shells.js";

/** The command itself, then everything below it. */
export function wordsOf(command: Command, path = ""): CommandWords[] {
  const visible = command.commands.filter((child) => child.name() !== "help");
  const here: CommandWords = {
    path,
    description: command.description(),
    subcommands: visible.map((child) => ({ name: child.name(), description: firstSentence(child.description()) })),
    options: command.options.filter(({ hidden, long }) => !hidden && long).map(optionWords),
  };
  const below = visible.flatMap((child) => wordsOf(child, path === "" ? child.name() : `${path} ${child.name()}`));
  return [here, ...below];
}

function optionWords({ long, description, flags, argChoices }: Option): OptionWords {
  const takesValue = /[<[]/.test(flags);
  return { flag: long!, description: firstSentence(description), takesValue, choices: argChoices ?? [] };
}

function firstSentence(text: string): string {
  return text.split(/[;:(]|\. /, 1)[0]!.trim();
}
