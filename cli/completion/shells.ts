/** Completion scripts from the table of commands: nothing is started while somebody types. Pure. */

export interface CommandWords {
  /** "", "train", "data check". */
  readonly path: string;
  readonly description: string;
  readonly subcommands: readonly { readonly name: string; readonly description: string }[];
  readonly options: readonly OptionWords[];
}

export interface OptionWords {
  readonly flag: string;
  readonly description: string;
  readonly takesValue: boolean;
  /** Closed list of values; empty: anything, so files are offered. */
  readonly choices: readonly string[];
}

export const shells = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof shells)[number];

export function completionScript(shell: Shell, commands: readonly CommandWords[]): string {
  return { bash, zsh, fish }[shell](commands);
}

/** Finds the longest known command in the words typed, then offers its subcommands, options, or files. */
function bash(commands: readonly CommandWords[]): string {
  const cases = commands.map(({ path, subcommands, options }) => {
    const words = [...subcommands.map(({ name }) => name), ...options.map(({ flag }) => flag), "--help"];
    return `    "${path}") words="${words.join(" ")}" ;;`;
  });
  return `# bash completion of seedgrow: source <(seedgrow completion bash)
_seedgrow() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}" command="" word words="" i
  for ((i = 1; i < COMP_CWORD; i++)); do
    word="\${COMP_WORDS[i]}"
    case "\${command:+$command }$word" in
${commands
  .filter(({ path }) => path !== "")
  .map(({ path }) => `      "${path}") command="${path}" ;;`)
  .join("\n")}
    esac
  done
  COMPREPLY=()
  case "$command $previous" in
${choiceCases(commands)}
  esac
  case "$command" in
${cases.join("\n")}
  esac
  if [[ "$current" == -* || "$words" != -* ]]; then
    COMPREPLY=($(compgen -W "$words" -- "$current"))
  fi
  if [[ \${#COMPREPLY[@]} == 0 ]]; then COMPREPLY=($(compgen -f -- "$current")); fi
}
complete -o filenames -F _seedgrow seedgrow
`;
}

function choiceCases(commands: readonly CommandWords[]): string {
  return commands
    .flatMap(({ path, options }) =>
      options
        .filter(({ choices }) => choices.length > 0)
        .map(({ flag, choices }) => {
          const offered = `COMPREPLY=($(compgen -W "${choices.join(" ")}" -- "$current")); return`;
          return `    "${path} ${flag}") ${offered} ;;`;
        }),
    )
    .join("\n");
}

function zsh(commands: readonly CommandWords[]): string {
  const quote = (text: string) =>
    text.replaceAll("'", "").replaceAll("[", "(").replaceAll("]", ")").replaceAll(":", " -");
  const functions = commands.map(({ path, subcommands, options }) => {
    const flags = options.map(({ flag, description, takesValue, choices }) => {
      const values = choices.length > 0 ? `:value:(${choices.join(" ")})` : takesValue ? ":value:_files" : "";
      return `    '${flag}[${quote(description)}]${values}'`;
    });
    const described = subcommands.map(({ name, description }) => `    '${name}:${quote(description)}'`);
    if (subcommands.length === 0) {
      return `${functionName(path)}() {\n  _arguments \\\n${[...flags, "    '*:file:_files'"].join(" \\\n")}\n}`;
    }
    return `${functionName(path)}() {
  local -a commands
  commands=(
${described.join("\n")}
  )
  if ((CURRENT == 2)); then
    _describe command commands
    return
  fi
  local name="\${words[2]}"
  shift words
  ((CURRENT--))
  case "$name" in
${subcommands.map(({ name }) => `    ${name}) ${functionName(path === "" ? name : `${path} ${name}`)} ;;`).join("\n")}
  esac
}`;
  });
  return `#compdef seedgrow\n# zsh completion of seedgrow: source <(seedgrow completion zsh)\n${functions.join("\n")}\ncompdef _seedgrow seedgrow\n`;
}

function functionName(path: string): string {
  return `_seedgrow${path === "" ? "" : `_${path.replaceAll(/[ -]/g, "_")}`}`;
}

function fish(commands: readonly CommandWords[]): string {
  const quote = (text: string) => text.replaceAll("\\", "").replaceAll("'", "");
  const lines = commands.flatMap(({ path, subcommands, options }) => {
    const parts = path === "" ? [] : path.split(" ");
    const seen = parts.map((part) => `__fish_seen_subcommand_from ${part}`).join("; and ");
    const names = subcommands.map(({ name }) => name).join(" ");
    const below = [...(seen ? [seen] : []), ...(names ? [`not __fish_seen_subcommand_from ${names}`] : [])].join(
      "; and ",
    );
    const here = below === "" ? "" : ` -n '${below}'`;
    return [
      ...subcommands.map(
        ({ name, description }) => `complete -c seedgrow -f${here} -a ${name} -d '${quote(description)}'`,
      ),
      ...options.map(({ flag, description, takesValue, choices }) => {
        const value = choices.length > 0 ? ` -x -a '${choices.join(" ")}'` : takesValue ? " -r" : "";
        return `complete -c seedgrow${here} -l ${flag.slice(2)}${value} -d '${quote(description)}'`;
      }),
    ];
  });
  return `# fish completion of seedgrow: seedgrow completion fish | source\n${lines.join("\n")}\n`;
}
