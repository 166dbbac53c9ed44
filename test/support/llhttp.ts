import { createRequire } from "node:module";

/** What Node's own parser (llhttp, strict) makes of a byte string. */
export interface LlhttpMessage {
  readonly method: string;
  readonly target: string;
  readonly version: number;
  readonly fields: readonly (readonly [name: string, value: string])[];
  readonly keepAlive: boolean;
  readonly upgrade: boolean;
  readonly body: Buffer;
  /** The message ended, by its framing. */
  readonly complete: boolean;
}

export interface LlhttpReading {
  readonly messages: readonly LlhttpMessage[];
  /** Parse error, or undefined. */
  readonly error: Error | undefined;
}

type Callback = (...args: never[]) => unknown;

interface Parser {
  initialize(type: number, resource: object, maxHeaderSize: number, lenientFlags: number): void;
  execute(bytes: Buffer): number | Error;
  [callback: number]: Callback;
}

interface ParserClass {
  new (): Parser;
  readonly REQUEST: number;
  readonly kOnMessageBegin: number;
  readonly kOnHeaders: number;
  readonly kOnHeadersComplete: number;
  readonly kOnBody: number;
  readonly kOnMessageComplete: number;
}

interface HttpCommon {
  readonly HTTPParser: ParserClass;
  readonly methods: readonly string[];
}

const { HTTPParser, methods } = createRequire(import.meta.url)("_http_common") as HttpCommon;

/** Reads requests the way `node:http` does, without its limits on size. */
export function readWithLlhttp(bytes: Buffer): LlhttpReading {
  const messages: { -readonly [key in keyof LlhttpMessage]: LlhttpMessage[key] }[] = [];
  let flushed: string[] = [];
  let flushedTarget = "";
  let parts: Buffer[] = [];
  const parser = new HTTPParser();
  parser.initialize(HTTPParser.REQUEST, {}, 1 << 20, 0);
  parser[HTTPParser.kOnMessageBegin] = () => {
    // Trailers are flushed as header lines too, with the target again.
    flushed = [];
    flushedTarget = "";
    parts = [];
  };
  parser[HTTPParser.kOnHeaders] = (lines: string[], target: string) => {
    flushed.push(...lines);
    flushedTarget += target;
  };
  parser[HTTPParser.kOnHeadersComplete] = (
    major: number,
    minor: number,
    lines: string[] | undefined,
    method: number,
    target: string | undefined,
    _status: undefined,
    _reason: undefined,
    upgrade: boolean,
    keepAlive: boolean,
  ) => {
    const all = [...flushed, ...(lines ?? [])];
    const fields: (readonly [string, string])[] = [];
    for (let at = 0; at < all.length; at += 2) fields.push([all[at]!, all[at + 1]!]);
    messages.push({
      method: methods[method]!,
      target: flushedTarget + (target ?? ""),
      version: major * 10 + minor,
      fields,
      keepAlive,
      upgrade,
      body: Buffer.alloc(0),
      complete: false,
    });
    flushed = [];
    flushedTarget = "";
    return 0;
  };
  parser[HTTPParser.kOnBody] = (part: Buffer) => {
    parts.push(Buffer.from(part));
  };
  parser[HTTPParser.kOnMessageComplete] = () => {
    const message = messages.at(-1)!;
    message.body = Buffer.concat(parts);
    message.complete = true;
    flushed = [];
  };
  const result = parser.execute(bytes);
  return { messages, error: result instanceof Error ? result : undefined };
}
