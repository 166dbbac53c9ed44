import { F } from "./field.ts";
import { type CanonicalRequest, FIELD_ID, FIELD_SLOTS, VALUE_END, VALUE_START } from "./request.ts";

/** A coding that answers are put into; also its name in Content-Encoding. */
export type AnswerCoding = "br" | "zstd" | "gzip";

/**
 * What a client says about codings (RFC 9110 §12.5.3), as weights from 0 to 1000. `undefined`: not a word about it.
 * `other` is what `*` says.
 */
export interface CodingWeights {
  br: number | undefined;
  zstd: number | undefined;
  gzip: number | undefined;
  identity: number | undefined;
  other: number | undefined;
}

/**
 * The coding that the client likes best; of those that it likes as much, the first of `preference`. Undefined: the
 * answer stays as it is. A client that sends no Accept-Encoding may not know any coding.
 */
export function chooseCoding(
  request: CanonicalRequest,
  preference: readonly AnswerCoding[],
): AnswerCoding | undefined {
  const first = request.firstField[F.acceptEncoding]!;
  if (first < 0) return undefined;
  const weights = noWeights();
  for (let index = first; index < request.fieldCount; index++) {
    const slot = index * FIELD_SLOTS;
    if (request.fields[slot + FIELD_ID] !== F.acceptEncoding) continue;
    readWeights(
      request.arena.latin1Slice(request.fields[slot + VALUE_START], request.fields[slot + VALUE_END]),
      weights,
    );
  }
  return bestCoding(weights, preference);
}

export function noWeights(): CodingWeights {
  return { br: undefined, zstd: undefined, gzip: undefined, identity: undefined, other: undefined };
}

export function bestCoding(
  weights: CodingWeights,
  preference: readonly AnswerCoding[],
): AnswerCoding | undefined {
  let best: AnswerCoding | undefined;
  let bestWeight = 0;
  for (const coding of preference) {
    const weight = weights[coding] ?? weights.other ?? 0;
    if (weight <= bestWeight) continue;
    best = coding;
    bestWeight = weight;
  }
  // Not coded is always acceptable, and liked least, unless the client says otherwise.
  return weights.identity !== undefined && weights.identity > bestWeight ? undefined : best;
}

/** Reads one field value, in one pass. What cannot be read is not there; what is said twice counts as said last. */
export function readWeights(text: string, weights: CodingWeights): void {
  for (let at = 0; at < text.length; ) {
    let comma = text.indexOf(",", at);
    if (comma < 0) comma = text.length;
    readElement(text.slice(at, comma), weights);
    at = comma + 1;
  }
}

function readElement(element: string, weights: CodingWeights): void {
  const semicolon = element.indexOf(";");
  const name = (semicolon < 0 ? element : element.slice(0, semicolon)).trim().toLowerCase();
  const weight = semicolon < 0 ? 1000 : readWeight(element.slice(semicolon + 1).trim());
  if (weight === undefined) return;
  switch (name) {
    case "br":
    case "zstd":
    case "gzip":
    case "identity":
      weights[name] = weight;
      return;
    case "x-gzip": // RFC 9110 §8.4.1.3: the same
      weights.gzip = weight;
      return;
    case "*":
      weights.other = weight;
  }
}

/** `q=0.5` (RFC 9110 §12.4.2) as thousandths. */
function readWeight(text: string): number | undefined {
  if (text.length > 7 || (text[0] !== "q" && text[0] !== "Q") || text[1] !== "=") return undefined;
  const digits = text.slice(2);
  if (!/^(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/.test(digits)) return undefined;
  return Math.round(Number(digits) * 1000);
}
