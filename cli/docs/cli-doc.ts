/** docs/CLI.md, from the commands' own help. Pure but for commander. */
import type { Command } from "commander";
import { buildProgram } from "../program.js";
import { generatedNote } from "./markdown.js";

/** Columns of the help; a terminal has its own. */
const width = 100;

export async function cliDoc(): Promise<string> {
  const program = await buildProgram();
  const sections = commandsBelow(program, "seedgrow").map(([name, command]) => section(name, command));
  return `# Commands

${generatedNote}

\`seedgrow COMMAND --help\` says the same. \`--json\` prints one line for programs, whose names stay; results go to standard
output, everything about the work to standard error. Exit codes and error codes: [ERRORS.md](ERRORS.md). Settings:
[CONFIG.md](CONFIG.md).

${sections.join("\n\n")}
`;
}

function commandsBelow(command: Command, name: string): [string, Command][] {
  return command.commands
    .filter((child) => child.name() !== "help")
    .flatMap((child): [string, Command][] => {
      const path = `${name} ${child.name()}`;
      return child.commands.length > 0 ? commandsBelow(child, path) : [[path, child]];
    });
}

function section(name: string, command: Command): string {
  return `## ${name}\n\n\`\`\`text\n${helpOf(command).trim()}\n\`\`\``;
}

/** With the examples, which commander adds only when it prints. */
function helpOf(command: Command): string {
  let text = "";
  command.configureHelp({ helpWidth: width });
  command.configureOutput({
    writeOut: (piece) => {
      text += piece;
    },
    getOutHelpWidth: () => width,
    getOutHasColors: () => false,
  });
  command.outputHelp();
  return text;
}
