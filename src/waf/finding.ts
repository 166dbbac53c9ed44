import type { Rule } from "./rule.ts";
import { chainNames } from "./views.ts";

/** More are counted in the score but not kept. */
export const FINDINGS_MAX = 16;
/** Bytes of the matched text that are shown. */
export const EXCERPT_BYTES_MAX = 64;

/** One rule that fired: what, where, and the text in it. */
export interface Finding {
  readonly rule: Rule;
  /** A detector's kind, or "" where literals or a regex confirmed. */
  readonly kind: string;
  /** `json:$.user.q`, `header:user-agent`. */
  readonly place: string;
  /** Of the match, in bytes, in the reading that `decoders` made; without decoders in the value itself. */
  readonly start: number;
  readonly end: number;
  /** First applied first; empty = the value as it came. */
  readonly decoders: readonly string[];
  /** The matched text, printable, at most 64 bytes of it. */
  readonly excerpt: string;
  /** Reported only: it added no points. */
  readonly shadow: boolean;
}

export interface Match {
  readonly kind: string;
  readonly bytes: Uint8Array;
  /** Within `bytes`. */
  readonly from: number;
  readonly to: number;
  /** Offset of the reading's first byte: `from` minus it is the reported start. */
  readonly base: number;
  readonly chain: number;
}

/**
 * Sees each finding beside the reading that it was made in: explanations show it. `bytes[start, end)` is that reading,
 * valid during the call, `[from, to)` the match in it.
 */
export interface FindingWitness {
  onFinding(finding: Finding, bytes: Uint8Array, start: number, end: number, from: number, to: number): void;
}

export function buildFinding(rule: Rule, place: string, match: Match, shadow: boolean): Finding {
  return {
    rule,
    kind: match.kind,
    place,
    start: match.from - match.base,
    end: match.to - match.base,
    decoders: chainNames(match.chain),
    excerpt: excerptOf(match.bytes, match.from, match.to),
    shadow,
  };
}

/** Printable ASCII; other bytes as `\xNN`: what operators read must not act on their terminal. */
export function excerptOf(bytes: Uint8Array, from: number, to: number): string {
  const until = Math.min(to, from + EXCERPT_BYTES_MAX);
  let text = "";
  for (let at = from; at < until; at++) {
    const byte = bytes[at]!;
    text +=
      byte >= 0x20 && byte < 0x7f && byte !== 0x5c
        ? String.fromCharCode(byte)
        : byte === 0x5c
          ? "\\\\"
          : `\\x${byte.toString(16).padStart(2, "0")}`;
  }
  return until < to ? `${text}…` : text;
}
