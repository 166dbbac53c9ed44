import type { Detection, Subject } from "../detection.ts";

/** Modules with which a pickle runs what it likes; any name of theirs. */
const modules: readonly string[] = (
  "os posix nt subprocess _posixsubprocess commands pty runpy code codeop timeit importlib webbrowser ctypes marshal sys " +
  "socket shutil platform pydoc pdb bdb profile cprofile pip popen2 asyncio.unix_events multiprocessing.util " +
  "idlelib.autocomplete distutils.file_util"
).split(" ");
/** Of the builtins honest pickles have types (`set`, `object`). */
const BUILTINS =
  "eval|exec|execfile|compile|__import__|getattr|setattr|open|file|apply|globals|vars|breakpoint|input";

export const PICKLE_TRIGGERS: readonly string[] = [
  ...[...modules, "builtins", "__builtin__"].flatMap((name) => [
    `c${name}\n`,
    `i${name}\n`,
    `${name}\x94`,
    `${name}\x8c`,
  ]),
  // Versions 2 to 5 in base64, with what a pickle begins with.
  ...["gasv", "gawv", "gajj", "gaj9", "gajd", "gajo", "gajy", "ganj", "gan9", "gand", "gano", "gany"],
];

const NAMES = modules.join("|").replaceAll(".", "\\.");

/** `c` and `i` push a function by two lines of text; the byte behind begins its arguments, or the next operation. */
const BY_LINES = new RegExp(
  `(?:^|[\\s(.)\\]}\\0-\\x1f\\x80-\\xff])[ci](?:(?:${NAMES})\\n\\w{2,40}|(?:__builtin__|builtins)\\n(?:${BUILTINS}))\\n(?=[(.)\\x8c]|[qxu][\\0-\\x1f]|[pr]\\d|[sv]['"\\w])`,
);
/** The same by two short texts on the stack, in version 4 and later. */
const BY_STACK = new RegExp(
  `\\x8c[\\0-\\xff](?:(?:${NAMES})\\x94?\\x8c[\\0-\\xff]\\w{2,40}|builtins\\x94?\\x8c[\\0-\\xff](?:${BUILTINS}))\\x94?\\x93`,
);
const ENCODED = /(?<![A-Za-z0-9+/_-])gA(?:SV|WV|[JN][j9doY])[A-Za-z0-9+/_-]{8,}/g;

/**
 * Pickles that name a function to be called when they are read. A pickle without one is data: frameworks keep sessions in
 * cookies as pickles.
 */
export function findPickle({ text, lower }: Subject, found: Detection[]): void {
  const plain = BY_LINES.exec(lower) ?? BY_STACK.exec(lower);
  if (plain !== null) {
    found.push({ kind: "python.pickle", start: plain.index, end: plain.index + plain[0].length });
    return;
  }
  ENCODED.lastIndex = 0;
  for (let run = ENCODED.exec(text); run !== null; run = ENCODED.exec(text)) {
    const bytes = Buffer.from(run[0], "base64").latin1Slice().toLowerCase();
    if (!BY_LINES.test(bytes) && !BY_STACK.test(bytes)) continue;
    found.push({ kind: "python.pickle", start: run.index, end: run.index + run[0].length });
    return;
  }
}
