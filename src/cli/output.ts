/** Where a command writes. Results go to `out`, messages to `err`. */
export interface Output {
  readonly out: Stream;
  readonly err: Stream;
}

export interface Stream {
  readonly write: (text: string) => void;
  /** Whether ANSI colours are wanted here. */
  readonly color: boolean;
  /** Somebody watches: what is under way may be shown. */
  readonly terminal?: boolean;
}

export type ColorChoice = "auto" | "always" | "never";

/** The process's own streams. */
export function processOutput(choice: ColorChoice): Output {
  const stream = (target: NodeJS.WriteStream): Stream => ({
    write: (text) => void target.write(text),
    color: wantsColor(choice, target.isTTY === true, process.env),
    terminal: target.isTTY === true,
  });
  return { out: stream(process.stdout), err: stream(process.stderr) };
}

/** Colours only on a terminal and without NO_COLOR (https://no-color.org), unless asked for. */
export function wantsColor(choice: ColorChoice, terminal: boolean, environment: NodeJS.ProcessEnv): boolean {
  if (choice !== "auto") return choice === "always";
  return terminal && !environment["NO_COLOR"] && environment["TERM"] !== "dumb";
}
