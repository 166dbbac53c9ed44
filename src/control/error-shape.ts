/** What may be told of an error to anybody: no text that its thrower put together. */
export interface ErrorShape {
  /** "TypeError", or "string" for a thrown string. */
  readonly error: string;
  /** "ECONNRESET", "ERR_STREAM_DESTROYED"; "" = none. */
  readonly code: string;
  /** Of the language's own errors, with every quotation taken out; else why there is none. */
  readonly msg: string;
  /** Function, file, line and column, innermost first. */
  readonly stack: readonly string[];
}

const framesMax = 20;
const namesMax = 64;
const messageMax = 200;

/** As V8 prints a call: no space in the place, which ends in line and column unless the engine itself was called. */
const frame = /^ {4}at (?:[\w$.#<>[\] ]{1,120} )?\(?([^\s()]{1,300}:\d+:\d+|<anonymous>|native)\)?$/;
const identifier = /^[A-Za-z_$][\w$]*$/;

/** Texts of these are the engine's: fixed words around what it quotes, and the source text of a call. */
const ofTheLanguage = new Set(["TypeError", "RangeError", "ReferenceError"]);

/**
 * Reads an error without trusting a word of it. Messages of libraries and of our own quote what they were given: a
 * request, a key, a line of a configuration; `JSON.parse` shows a piece of its input. A frame that a client wrote into a
 * message is none: only the last lines of the stack are, behind the message as it was.
 */
export function describeError(cause: unknown): ErrorShape {
  try {
    if (!(cause instanceof Error)) return { error: typeof cause, code: "", msg: "not an error", stack: [] };
    const error = named(cause.name);
    return {
      error,
      code: named((cause as { code?: unknown }).code),
      msg: messageOf(error, cause),
      stack: framesOf(cause),
    };
  } catch {
    // A getter or a proxy that throws.
    return { error: "unknown", code: "", msg: "cannot be read", stack: [] };
  }
}

function named(value: unknown): string {
  return typeof value === "string" && value.length <= namesMax && identifier.test(value) ? value : "";
}

function messageOf(error: string, { message, code }: Error & { readonly code?: unknown }): string {
  // Node's own errors have these names, too, and quote without quotation marks.
  if (!ofTheLanguage.has(error) || code !== undefined || typeof message !== "string") return "withheld";
  // From the first quotation mark to the last: what is quoted may hold some.
  return message
    .slice(0, 10 * messageMax)
    .replace(/["'`].*["'`]/su, "…")
    .slice(0, messageMax);
}

function framesOf({ stack, message }: Error): readonly string[] {
  if (typeof stack !== "string") return [];
  const at = message === "" ? -1 : stack.indexOf(message);
  const lines = (at < 0 ? stack : stack.slice(at + message.length)).split("\n");
  const frames: string[] = [];
  for (const line of lines.reverse()) {
    const place = frame.exec(line)?.[1];
    if (place === undefined) break;
    frames.push(line.trim().replace(/^at /, "").replace(place, shortened(place)));
  }
  return frames.reverse().slice(0, framesMax);
}

/** Where this package lies is nobody's business, and takes room. */
function shortened(place: string): string {
  return place.replace(/^.*\/(?=(?:src|dist|node_modules)\/)/, "");
}
