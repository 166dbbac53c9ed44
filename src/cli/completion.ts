import type { Command, Option } from "commander";

export const shells = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof shells)[number];

/** A completion script for `zion`, made from the commands that there are. */
export function completionScript(shell: Shell, program: Command): string {
  const nodes = walk(program, "");
  if (shell === "bash") return bash(nodes);
  return shell === "zsh" ? zsh(nodes) : fish(nodes);
}

/** A command with what may follow its name. */
interface Node {
  /** "" for the program, "audit verify" for a command of a command. */
  readonly path: string;
  readonly commands: readonly Word[];
  readonly options: readonly OptionWord[];
}

interface Word {
  readonly name: string;
  readonly description: string;
}

interface OptionWord extends Word {
  readonly short: string;
  readonly takesValue: boolean;
  readonly choices: readonly string[];
}

function walk(command: Command, path: string): readonly Node[] {
  const node = {
    path,
    commands: command.commands.map((one) => ({ name: one.name(), description: one.description() })),
    options: command.options.map(optionWord),
  };
  const below = command.commands.flatMap((one) =>
    walk(one, path === "" ? one.name() : `${path} ${one.name()}`),
  );
  return [node, ...below];
}

function optionWord(option: Option): OptionWord {
  return {
    name: option.long ?? "",
    short: option.short ?? "",
    description: option.description,
    takesValue: option.required || option.optional,
    choices: option.argChoices ?? [],
  };
}

/** The words before the cursor that name commands, joined by a space, are looked for in one `case`. */
function bash(nodes: readonly Node[]): string {
  const paths = nodes.filter(({ path }) => path !== "").map(({ path }) => quoted(path));
  const values = nodes.flatMap(({ path, options }) =>
    options
      .filter(({ takesValue }) => takesValue)
      .map(({ name, short, choices }) => {
        const patterns = [name, short].filter((word) => word !== "").map((word) => quoted(`${path}:${word}`));
        const reply =
          choices.length > 0
            ? `COMPREPLY=($(compgen -W ${quoted(choices.join(" "))} -- "$current"))`
            : 'COMPREPLY=($(compgen -f -- "$current"))';
        return `    ${patterns.join("|")}) ${reply}; return ;;`;
      }),
  );
  const words = nodes.map(({ path, commands, options }) => {
    const all = [...commands, ...options].map(({ name }) => name).join(" ");
    return `    ${quoted(path)}) words=${quoted(all)} ;;`;
  });
  return `# zion completion for bash: source <(zion completion bash)
_zion() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD - 1]}" path="" words="" next i
  for ((i = 1; i < COMP_CWORD; i++)); do
    next="$path\${path:+ }\${COMP_WORDS[i]}"
    case "$next" in
    ${paths.join("|")}) path="$next" ;;
    esac
  done
  case "$path:$previous" in
${values.join("\n")}
  esac
  case "$path" in
${words.join("\n")}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
  [ "\${#COMPREPLY[@]}" -gt 0 ] || COMPREPLY=($(compgen -f -- "$current"))
}
complete -F _zion zion
`;
}

function zsh(nodes: readonly Node[]): string {
  const paths = nodes.filter(({ path }) => path !== "").map(({ path }) => quoted(path));
  const values = nodes.flatMap(({ path, options }) =>
    options
      .filter(({ choices }) => choices.length > 0)
      .map(
        ({ name, choices }) =>
          `    ${quoted(`${path}:${name}`)}) compadd -- ${choices.map(quoted).join(" ")}; return ;;`,
      ),
  );
  const described = nodes.map(({ path, commands, options }) => {
    const all = [...commands, ...options].map(({ name, description }) =>
      quoted(`${name.replaceAll(":", "\\:")}:${description}`),
    );
    return `    ${quoted(path)}) described=(${all.join(" ")}) ;;`;
  });
  return `#compdef zion
# zion completion for zsh: zion completion zsh > "\${fpath[1]}/_zion"
_zion() {
  local at="" next i
  local -a described
  for ((i = 2; i < CURRENT; i++)); do
    next="$at\${at:+ }\${words[i]}"
    case "$next" in
    ${paths.join("|")}) at="$next" ;;
    esac
  done
  case "$at:\${words[CURRENT - 1]}" in
${values.join("\n")}
  esac
  case "$at" in
${described.join("\n")}
  esac
  _describe 'zion' described || _files
}
[ "\${funcstack[1]}" = "_zion" ] && _zion "$@" || compdef _zion zion
`;
}

function fish(nodes: readonly Node[]): string {
  const lines = nodes.flatMap(({ path, commands, options }) => {
    const condition = `-n ${quoted(`__zion_at ${path}`.trim())}`;
    return [
      ...commands.map(
        ({ name, description }) => `complete -c zion -f ${condition} -a ${name} -d ${quoted(description)}`,
      ),
      ...options.map(({ name, short, description, takesValue, choices }) => {
        const flags = [
          `-l ${name.slice(2)}`,
          short === "" ? "" : `-s ${short.slice(1)}`,
          takesValue ? (choices.length > 0 ? `-x -a ${quoted(choices.join(" "))}` : "-r") : "",
        ];
        return ["complete -c zion", condition, ...flags, `-d ${quoted(description)}`]
          .filter((part) => part !== "")
          .join(" ");
      }),
    ];
  });
  const paths = nodes.filter(({ path }) => path !== "").map(({ path }) => quoted(path));
  return `# zion completion for fish: zion completion fish > ~/.config/fish/completions/zion.fish
function __zion_at
  set -l at ""
  for word in (commandline -opc)[2..-1]
    set -l next (string trim -- "$at $word")
    switch "$next"
      case ${paths.join(" ")}
        set at "$next"
    end
  end
  test "$at" = "$argv"
end
${lines.join("\n")}
`;
}

/** For all three shells. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "’")}'`;
}
