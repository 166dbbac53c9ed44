/** Bytes `[start, end)` of a whole. */
export interface ByteSpan {
  readonly start: number;
  readonly end: number;
}

/** More parts than that are asked for by nobody who reads them (RFC 9110 §14.2). */
const RANGES_MAX = 16;

/**
 * What `Range` asks of a whole of `length` bytes (RFC 9110 §14.1.2). "whole": it is to be ignored, because it is no such
 * range, asks for too many parts, or for more bytes than there are. "none": nothing of it exists (416).
 */
export function readRanges(text: string, length: number): readonly ByteSpan[] | "whole" | "none" {
  const unit = /^bytes=[ \t]*/i.exec(text);
  if (unit === null || text.length > 1024) return "whole";
  const spans: ByteSpan[] = [];
  const wanted = text.slice(unit[0].length).split(",");
  if (wanted.length > RANGES_MAX) return "whole";
  let total = 0;
  for (const one of wanted) {
    const match = /^[ \t]*(\d{0,15})-(\d{0,15})[ \t]*$/.exec(one);
    if (match === null) return "whole";
    const [first, last] = [match[1]!, match[2]!];
    if (first === "" && last === "") return "whole";
    if (first !== "" && last !== "" && Number(last) < Number(first)) return "whole";
    const start = first === "" ? Math.max(0, length - Number(last)) : Number(first);
    const end = first === "" || last === "" ? length : Math.min(length, Number(last) + 1);
    if (start >= end) continue;
    total += end - start;
    spans.push({ start, end });
  }
  if (spans.length === 0) return "none";
  return total > length ? "whole" : spans;
}
