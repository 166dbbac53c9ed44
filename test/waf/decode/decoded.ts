import { type Decode, UNCHANGED } from "../../../src/waf/decode/decoder.ts";

/** What a decoder makes of latin-1 text; the text itself where it has nothing to do. */
export function decoded(decode: Decode, text: string): string {
  // Bytes around the range, so that a decoder that reads past it makes a difference.
  const source = Buffer.from(`%41${text}41;/`, "latin1");
  const out = Buffer.alloc(text.length, 0xaa);
  const length = decode(source, 3, 3 + text.length, out);
  return length === UNCHANGED ? text : out.toString("latin1", 0, length);
}
