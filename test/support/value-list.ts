import type { Place, ValueSink } from "../../src/body/place.ts";
import { placeNames } from "../../src/body/place.ts";

/** One reported value, kept: `[place text, value as latin1, start, end]`. */
export type Seen = readonly [place: string, value: string, start: number, end: number];

/** A sink that keeps what it is told. */
export function valueList(): ValueSink & { readonly seen: Seen[] } {
  const seen: Seen[] = [];
  return {
    seen,
    value(bytes: Uint8Array, start: number, end: number, place: Place) {
      if (placeNames[place.kind] === undefined) throw new Error(`kind ${place.kind}`);
      seen.push([
        place.text(),
        Buffer.from(bytes.subarray(start, end)).toString("latin1"),
        place.start,
        place.end,
      ]);
    },
  };
}

/**
 * Feeds `body` in pieces that end at `cuts`. Each piece stands alone in a buffer of its own, which is overwritten
 * afterwards: what a reader keeps of it must be a copy.
 */
export function inPieces(
  body: Uint8Array,
  cuts: readonly number[],
  write: (bytes: Uint8Array, start: number, end: number) => string | undefined,
): string | undefined {
  const ends = [...cuts.map((cut) => cut % (body.length + 1)), body.length].sort((a, b) => a - b);
  let from = 0;
  for (const to of ends) {
    const padding = from % 3;
    const piece = new Uint8Array(padding + (to - from) + 2).fill(0x22);
    piece.set(body.subarray(from, to), padding);
    const reason = write(piece, padding, padding + (to - from));
    piece.fill(0x5c);
    if (reason !== undefined) return reason;
    from = to;
  }
  return undefined;
}
