import { ANSWER } from "../../body/place.ts";
import { isExcluded, type Profile } from "../profile.ts";
import type { Rule } from "../rule.ts";
import { cardAt } from "./card.ts";
import { KEY_BYTES_MIN, keyStart } from "./key-block.ts";
import type { LeakRules, LeakTarget } from "./leak-rules.ts";
import { FRAME_GAP_MAX, isFrame, traceLanguages } from "./trace.ts";

/** What was found, as offsets in the text that was looked at. */
export interface Leak {
  /** Index in the rule set. */
  readonly rule: number;
  readonly kind: string;
  readonly start: number;
  readonly end: number;
}

/** What a regex looks at from the literal on; longer matches end there. */
export const LOOK_BYTES = 512;
/** Candidates of one text that are looked at: a page of nothing but triggers costs some milliseconds, not seconds. */
const CANDIDATES_MAX = 128;

/**
 * Looks for leaks in one answer, which comes in texts that overlap: what began in one ends in the next. Linear: one pass
 * of the automaton, then a bounded look at each candidate.
 */
export class LeakScan {
  readonly #profile: Profile;
  readonly #rules: LeakRules;
  readonly #route: string;
  readonly #nowMs: number;
  readonly #hits: Uint32Array;
  /** By rule: where its last match ended, in the whole answer. */
  readonly #ends = new Map<number, number>();
  /** Rules that need not look again. */
  readonly #told = new Set<number>();
  /** By kind of trace: where its last frame stood. */
  readonly #frames = new Map<string, number>();
  /** Not everything was looked at. */
  exhausted = false;

  constructor(profile: Profile, rules: LeakRules, route: string, nowMs: number) {
    this.#profile = profile;
    this.#rules = rules;
    this.#route = route;
    this.#nowMs = nowMs;
    this.#hits = new Uint32Array(rules.automaton.hitWords);
  }

  /**
   * `bytes` stand at `offset` of the answer; those before `offset + known` were looked at before. What may go on in the
   * next text is left for it, unless this is the last.
   */
  look(bytes: Buffer, offset: number, isLast: boolean): readonly Leak[] {
    const { automaton, targets, card } = this.#rules;
    const found: Leak[] = [];
    this.#hits.fill(0);
    automaton.scan(bytes, 0, bytes.length, this.#hits);
    const hasDigits = card >= 0 && this.#isOn(card) && hasLongNumber(bytes);
    if (!hasDigits && this.#hits.every((word) => word === 0)) return found;
    const text = bytes.latin1Slice();
    const lower = text.toLowerCase();
    let left = CANDIDATES_MAX;
    for (const [bit, target] of targets.entries()) {
      if ((this.#hits[bit >>> 5]! & (1 << (bit & 31))) === 0 || !this.#isOn(target.rule)) continue;
      if (this.#told.has(target.rule)) continue;
      left = this.#lookFor(target, text, lower, offset, isLast, left, found);
    }
    if (hasDigits) this.#lookForCards(text, offset, isLast, found);
    if (left <= 0) this.exhausted = true;
    return found.sort((a, b) => a.start - b.start);
  }

  #isOn(rule: number): boolean {
    const { active } = this.#profile;
    return active[rule] === 1 && !isExcluded(this.#profile, rule, this.#route, ANSWER, "answer", this.#nowMs);
  }

  #lookFor(
    target: LeakTarget,
    text: string,
    lower: string,
    offset: number,
    isLast: boolean,
    left: number,
    found: Leak[],
  ): number {
    const rule = this.#profile.ruleSet.rules[target.rule]!;
    // Of the texts before: literals of one rule are looked for one after the other.
    const known = this.#ends.get(target.rule) ?? 0;
    for (const literal of target.literals) {
      for (let at = lower.indexOf(literal); at >= 0; at = lower.indexOf(literal, at + 1)) {
        if (offset + at < known) continue;
        if (left-- <= 0) return left;
        const leak = this.#confirm(target, rule, literal, text, at, offset, isLast);
        if (leak === undefined) continue;
        this.#ends.set(target.rule, Math.max(this.#ends.get(target.rule) ?? 0, offset + leak.end));
        found.push(leak);
        // What is not masked is told once.
        if (rule.action !== "mask") {
          this.#told.add(target.rule);
          return left;
        }
        at = Math.max(at, leak.end - 1);
      }
    }
    return left;
  }

  #confirm(
    target: LeakTarget,
    rule: Rule,
    literal: string,
    text: string,
    at: number,
    offset: number,
    isLast: boolean,
  ): Leak | undefined {
    const { kind } = target;
    if (kind === "answer.private_key") {
      const start = keyStart(text, at);
      return start < 0
        ? undefined
        : { rule: target.rule, kind, start, end: Math.min(text.length, start + 1) };
    }
    if (kind !== "") return this.#confirmFrame(target, text, at, offset);
    // What is masked is a word of its own.
    if (rule.action === "mask" && at > 0 && /[A-Za-z0-9]/.test(text[at - 1]!)) return undefined;
    let end = at + literal.length;
    if (target.regex !== undefined) {
      const matcher = target.regex.matcher(text.slice(at, at + LOOK_BYTES));
      if (!matcher.lookingAt()) return undefined;
      end = at + matcher.end();
    }
    if (end === text.length && !isLast && end - at < LOOK_BYTES) return undefined;
    return { rule: target.rule, kind, start: at, end };
  }

  #confirmFrame({ rule, kind }: LeakTarget, text: string, at: number, offset: number): Leak | undefined {
    if (!isFrame(traceLanguages.get(kind)!, text, at)) return undefined;
    const place = offset + at;
    const before = this.#frames.get(kind);
    if (before === place) return undefined;
    this.#frames.set(kind, place);
    if (before === undefined || place <= before || place - before > FRAME_GAP_MAX) return undefined;
    return { rule, kind, start: at, end: Math.min(text.length, at + 8) };
  }

  #lookForCards(text: string, offset: number, isLast: boolean, found: Leak[]): void {
    const { card } = this.#rules;
    for (let at = 0; at < text.length; at++) {
      const code = text.charCodeAt(at);
      if (code < 50 || code > 54 || offset + at < (this.#ends.get(card) ?? 0)) continue;
      const number = cardAt(text, at);
      if (number === undefined) {
        // No number begins within a run of digits.
        while (at + 1 < text.length && text.charCodeAt(at + 1) >= 48 && text.charCodeAt(at + 1) <= 57) at++;
        continue;
      }
      // It may go on, and be no card then; so says what stands behind a separator or a stop.
      if (number.end >= text.length - 1 && !isLast) return;
      this.#ends.set(card, offset + number.end);
      found.push({ rule: card, kind: "answer.card", ...number });
      at = number.end;
    }
  }
}

/** Whether at least 14 digits stand together, but for single separators: a quick look at most pages. */
function hasLongNumber(bytes: Buffer): boolean {
  let digits = 0;
  let gap = 0;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at]!;
    if (byte >= 48 && byte <= 57) {
      gap = 0;
      if (++digits >= 14) return true;
    } else if ((byte === 32 || byte === 45) && digits > 0 && gap === 0) gap = 1;
    else digits = gap = 0;
  }
  return false;
}

/**
 * Bytes at the end of `bytes` that what comes next may make a secret of: an open word or number, or a key's first lines.
 * They wait; the others go on.
 */
export function openBytes(bytes: Buffer): number {
  const least = Math.max(0, bytes.length - LOOK_BYTES);
  let at = bytes.length;
  while (at > least && isTokenByte(bytes[at - 1]!)) at--;
  for (let i = at; i > Math.max(0, at - 24) && isNumberByte(bytes[i - 1]!); i--)
    if (isDigitByte(bytes[i - 1]!)) at = i - 1;
  const begin = bytes.lastIndexOf("-----BEGIN ", undefined, "latin1");
  if (begin >= 0 && bytes.length - begin < KEY_BYTES_MIN) at = Math.min(at, begin);
  const dashes = bytes.lastIndexOf("-----", undefined, "latin1");
  if (dashes >= 0 && bytes.length - dashes < 11) at = Math.min(at, dashes);
  return bytes.length - at;
}

function isTokenByte(byte: number): boolean {
  return (
    (byte >= 48 && byte <= 57) ||
    (byte >= 65 && byte <= 90) ||
    (byte >= 97 && byte <= 122) ||
    byte === 95 ||
    byte === 45 ||
    byte === 46 ||
    byte === 43 ||
    byte === 47 ||
    byte === 61
  );
}

function isDigitByte(byte: number): boolean {
  return byte >= 48 && byte <= 57;
}

function isNumberByte(byte: number): boolean {
  return isDigitByte(byte) || byte === 32 || byte === 45;
}
