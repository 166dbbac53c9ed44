import {
  BODY_BYTES,
  BODY_TEXT,
  FORM_NAME,
  FORM_VALUE,
  JSON_KEY,
  JSON_STRING,
  PART_TEXT,
  type Place,
  placeNames,
  QUERY_NAME,
  QUERY_VALUE,
  type ValueSink,
} from "../body/place.ts";
import type { RuleSet, Target } from "./compile.ts";
import { UNCHANGED } from "./decode/decoder.ts";
import { decodeScript } from "./decode/escape.ts";
import { firstJsonString, isJsonKey, isWord, jsonStringEnd, nextJsonString } from "./decode/json-text.ts";
import { isBinary } from "./decode/strings.ts";
import { DETECTIONS_MAX } from "./detection.ts";
import { buildFinding, FINDINGS_MAX, type Finding } from "./finding.ts";
import { BACKSLASH, CONTROL, flagsOf, HIGH } from "./harmless.ts";
import { isExcluded, looksAt, type Profile } from "./profile.ts";
import { INNER_LEVELS, type Level, type Scratch } from "./scratch.ts";
import { chainOfJson, NO_WORDS, type View, WINDOW_BYTES } from "./views.ts";

/**
 * Inspects the values of one request at a time: its score, findings and budget, less than 1 KiB. Any number of them share
 * one Scratch, and their calls may come in any order; the calls for one request come between two `begin`s. Pooled by the
 * caller, so that an open request costs no buffers.
 */
export class Inspector implements ValueSink {
  /** Sum of the points of the rules that fired, each once. */
  score = 0;
  /** At most FINDINGS_MAX, in the order they were made. */
  findings: Finding[] = [];
  /** Bytes read, by decoders, automaton, detectors and regexes: what a request has cost. */
  workUnits = 0;
  /** The budget was spent: values after it were not inspected. The profile says what that means. */
  exhausted = false;
  /** A page of the same host made the request: rules of `cross_site` are not for it. To be set after `begin`. */
  ownPage = false;
  /** Bytes of the values so far. */
  bytes = 0;
  /** How often a detector or rule saw something so far, whether it counted or not. */
  detections = 0;

  readonly ruleSet: RuleSet;
  #profile: Profile | undefined;
  #route = "";
  #nowMs = 0;
  /** The value under way is one of a record; see Subject. */
  #isNested = false;
  #done = false;
  /** By rule: it fired, and counts no more. */
  readonly #fired: Uint8Array;
  readonly #scratch: Scratch;

  constructor(scratch: Scratch) {
    this.ruleSet = scratch.ruleSet;
    this.#scratch = scratch;
    this.#fired = new Uint8Array(scratch.ruleSet.rules.length);
  }

  /** Starts a request. `route` and `nowMs` (since the epoch) are for exclusions. The profile must be of this rule set. */
  begin(profile: Profile, route = "", nowMs = 0): void {
    if (profile.ruleSet !== this.ruleSet) throw new Error("the profile belongs to another rule set");
    this.#profile = profile;
    this.#route = route;
    this.#nowMs = nowMs;
    this.#done = false;
    // Nothing fires without a detection, and most requests have none.
    if (this.detections > 0) this.#fired.fill(0);
    this.score = 0;
    if (this.findings.length > 0) this.findings = [];
    this.workUnits = 0;
    this.bytes = 0;
    this.detections = 0;
    this.exhausted = false;
    this.ownPage = false;
  }

  /**
   * The next message of a stream of them, which is judged for itself: what each of a thousand brings a little of must
   * not add up. Findings stay.
   */
  nextMessage(): void {
    if (this.#done) return;
    this.#fired.fill(0);
    this.score = 0;
    this.workUnits = 0;
    this.bytes = 0;
  }

  /** The score reached the threshold, or the budget is spent and the profile refuses then. */
  get refused(): boolean {
    const profile = this.#profile;
    if (profile === undefined) return false;
    return this.score >= profile.threshold || (this.exhausted && profile.onExhausted === "refuse");
  }

  /** Nothing that comes now can change the verdict: callers may stop reporting values. */
  get done(): boolean {
    return this.#done;
  }

  value(bytes: Uint8Array, start: number, end: number, place: Place): void {
    const profile = this.#profile;
    if (profile === undefined || this.#done || start >= end) return;
    this.bytes += end - start;
    this.workUnits += end - start;
    this.#isNested = place.kind === JSON_STRING && place.depth > RECORD_DEPTH;
    if (end - start <= WINDOW_BYTES) {
      this.#window(profile, bytes, start, end, 0, place, 0, start);
      return;
    }
    // A match that is longer than the overlap can be missed where two pieces meet.
    for (let from = start; from < end && !this.#done; from += WINDOW_BYTES - WINDOW_OVERLAP) {
      this.#window(profile, bytes, from, Math.min(end, from + WINDOW_BYTES), 0, place, 0, start);
      if (from + WINDOW_BYTES >= end) return;
    }
  }

  /**
   * Counts a value that was inspected before, with nothing in it, as if it were inspected again. False: it has to be,
   * because the budget could end in it. It cannot where the value costs no more than it brings.
   */
  countAgain(bytes: number, workUnits: number): boolean {
    const profile = this.#profile;
    if (profile === undefined || this.#done) return true;
    if (workUnits > bytes * profile.workPerByte || this.#isOver(profile)) return false;
    this.bytes += bytes;
    this.workUnits += workUnits;
    return true;
  }

  #window(
    profile: Profile,
    bytes: Uint8Array,
    start: number,
    end: number,
    chain: number,
    place: Place,
    depth: number,
    base: number,
  ): void {
    const { byteFlags } = this.ruleSet;
    const flags = flagsOf(byteFlags, bytes, start, end);
    if (flags === 0) return;
    const level = this.#scratch.levels[depth]!;
    const { views } = level;
    if (depth === 0 && (flags & CONTROL) !== 0 && mayBeBinary(place.kind) && isBinary(bytes, start, end))
      views.openBinary(bytes, start, end, flags);
    else views.open(bytes, start, end, flags, chain, depth === 0 && isUrlencoded(place.kind));
    const mask = profile.masks[place.kind]!;
    let candidates = this.#scan(level, 0, mask);
    const bases = views.count;
    views.derive();
    if (views.count > bases) candidates = this.#scan(level, bases, mask) || candidates;
    if (candidates) {
      const words = views.count;
      views.deriveSpaced();
      this.#scan(level, words, mask);
    }
    this.workUnits += views.workBytes;
    if (views.tooDeep) this.#report(profile, "encoding.depth", views.list[0]!, start, end, place, base);
    if (candidates) this.#confirm(profile, level, place, base);
    if (this.#done || depth >= INNER_LEVELS || isName(place.kind) || this.#spent(profile)) return;
    // A literal in a string is one in the value too: most JSON has no candidates.
    if (candidates) this.#jsonStrings(profile, level, place, depth);
    if (this.#done) return;
    const inner = views.base64();
    if (inner !== undefined)
      this.#window(profile, inner.bytes, 0, inner.length, inner.chain, place, depth + 1, 0);
  }

  /**
   * The strings of JSON text (a form's field, a parameter, a file): its receiver parses it and uses them one by one, and
   * many an attack is one only where the value begins (`1 or 1=1`, `;id`, `/etc/passwd`).
   */
  #jsonStrings(profile: Profile, { views, inner }: Level, place: Place, depth: number): void {
    const { bytes, start, end, chain, flags } = views.plain;
    const isContinued = depth === 0 && place.repeated > 0;
    // Lines of JSON are records; a document is read as JSON, too, and its outer strings there.
    if (place.kind === BODY_TEXT) this.#isNested = true;
    let open = firstJsonString(bytes, start, end, isContinued);
    while (open >= 0 && !this.#done) {
      const close = jsonStringEnd(bytes, open, end);
      if (!isWord(bytes, open + 1, close) && !isJsonKey(bytes, close, end)) {
        this.workUnits += close - open + STRING_UNITS;
        if (this.#spent(profile)) return;
        const length = (flags & BACKSLASH) === 0 ? UNCHANGED : decodeScript(bytes, open + 1, close, inner);
        const id = chainOfJson(chain);
        if (length === UNCHANGED) this.#window(profile, bytes, open + 1, close, id, place, depth + 1, 0);
        else this.#window(profile, inner, 0, length, id, place, depth + 1, 0);
      }
      open = nextJsonString(bytes, close, end);
    }
  }

  /** Looks for literals in the views from `first` on. True when an active rule wants one of them at this place. */
  #scan({ views, hits }: Level, first: number, mask: Uint32Array): boolean {
    const { automaton } = this.ruleSet;
    let found = 0;
    for (let index = views.count - 1; index >= first; index--) {
      const view = views.list[index]!;
      const words = hits[index]!;
      for (let word = 0; word < words.length; word++) words[word] = 0;
      if (view.sameWords === NO_WORDS) continue;
      if (view.sameWords >= 0) words.set(hits[view.sameWords]!);
      else {
        this.workUnits += view.end - view.start;
        automaton.scan(view.bytes, view.start, view.end, words);
      }
      const readers = this.#scratch.readers[view.chain % 16]!;
      for (let word = 0; word < words.length; word++) words[word]! &= mask[word]! & readers[word]!;
      for (let word = 0; word < words.length; word++) found |= words[word]!;
    }
    return found !== 0;
  }

  #confirm(profile: Profile, { views, hits }: Level, place: Place, base: number): void {
    const { targets } = this.ruleSet;
    for (let index = 0; index < views.count; index++) {
      const words = hits[index]!;
      const view = views.list[index]!;
      let subject: MutableSubject | undefined;
      for (let word = 0; word < words.length; word++) {
        for (let bits = words[word]!; bits !== 0; bits &= bits - 1) {
          if (this.#spent(profile)) return;
          const target = targets[word * 32 + 31 - Math.clz32(bits & -bits)]!;
          if (target.detector === undefined && this.#fired[target.rule] === 1) continue;
          this.workUnits += view.end - view.start + CONFIRM_UNITS;
          if (target.isIdle?.(view.bytes, view.start, view.end, view.flags) === true) continue;
          subject ??= this.#subjectOf(view);
          this.#try(profile, target, subject, view, place, base);
          if (this.#done) return;
        }
      }
    }
  }

  #try(
    profile: Profile,
    target: Target,
    subject: MutableSubject,
    view: View,
    place: Place,
    base: number,
  ): void {
    if (target.detector !== undefined) {
      const { found } = this.#scratch;
      found.length = 0;
      target.detector.detect(subject, found);
      for (let index = 0; index < found.length && index < DETECTIONS_MAX; index++) {
        const { kind, start, end } = found[index]!;
        const to = Math.min(view.start + end, view.end);
        this.#report(profile, kind, view, view.start + start, to, place, base);
      }
      return;
    }
    const rule = this.ruleSet.rules[target.rule]!;
    if (target.regex !== undefined) {
      // The test runs as a DFA; the matcher, ten times slower, only tells where.
      if (!target.regex.test(subject.text)) return;
      const matcher = target.regex.matcher(subject.text);
      if (!matcher.find()) return;
      this.#fire(
        profile,
        target.rule,
        "",
        view,
        view.start + matcher.start(),
        view.start + matcher.end(),
        place,
        base,
      );
      return;
    }
    for (const literal of rule.literals) {
      const at = findLiteral(subject.lower, literal);
      if (at < 0) continue;
      const from = view.start + at;
      this.#fire(profile, target.rule, "", view, from, from + literal.length, place, base);
      return;
    }
  }

  #report(
    profile: Profile,
    kind: string,
    view: View,
    from: number,
    to: number,
    place: Place,
    base: number,
  ): void {
    this.detections++;
    const rules = this.ruleSet.kindRules.get(kind);
    if (rules === undefined) return;
    for (const rule of rules) this.#fire(profile, rule, kind, view, from, to, place, base);
  }

  #fire(
    profile: Profile,
    index: number,
    kind: string,
    view: View,
    from: number,
    to: number,
    place: Place,
    base: number,
  ): void {
    this.detections++;
    if (profile.active[index] === 0 || this.#fired[index] === 1) return;
    const rule = this.ruleSet.rules[index]!;
    if (rule.crossSite && this.ownPage) return;
    if (!looksAt(rule, place.kind, () => place.text())) return;
    const where = place.text();
    if (isExcluded(profile, index, this.#route, place.kind, where, this.#nowMs)) return;
    this.#fired[index] = 1;
    const shadow = profile.shadow[index] === 1;
    if (!shadow) this.score += rule.score;
    const origin = view.chain === 0 ? base : view.start;
    if (this.findings.length < FINDINGS_MAX) {
      const match = { kind, bytes: view.bytes, from, to, base: origin, chain: view.chain };
      const finding = buildFinding(rule, where, match, shadow);
      this.findings.push(finding);
      this.#scratch.witness?.onFinding(finding, view.bytes, view.start, view.end, from, to);
    }
    if (this.score >= profile.threshold && !profile.allFindings) this.#done = true;
  }

  #spent(profile: Profile): boolean {
    if (!this.#isOver(profile)) return false;
    this.exhausted = true;
    this.#done = true;
    return true;
  }

  #isOver(profile: Profile): boolean {
    return this.workUnits > profile.workBase + this.bytes * profile.workPerByte;
  }

  /** Strings are made only for a reading with a candidate. */
  #subjectOf(view: View): MutableSubject {
    const { bytes, start, end, flags } = view;
    const text = latin1(bytes, start, end);
    // V8 lower-cases ASCII eight bytes at a time, but would change letters above it too.
    const isNested = this.#isNested;
    if ((flags & HIGH) === 0) return { text, lower: text.toLowerCase(), isNested };
    const { lower } = this.#scratch;
    for (let at = start; at < end; at++) lower[at - start] = folded[bytes[at]!]!;
    return { text, lower: lower.latin1Slice(0, end - start), isNested };
  }
}

/** How much of a long value's piece is read again with the next; a multiple of 4, for base64. Bytes. */
const WINDOW_OVERLAP = 1_024;
/**
 * What asking a detector costs beside the bytes it reads. With it a unit is at most about 20 ns, whatever the values
 * are; without it, of a hundred thousand values of one byte, 280 ns. bench/micro/gate/hold.bench.ts.
 */
const CONFIRM_UNITS = 64;
/** Parameters of an application lie no deeper in JSON: deeper strings are of records and manifests. */
export const RECORD_DEPTH = 2;
/** What a string of JSON text costs beside its bytes, likewise. */
const STRING_UNITS = 16;

function latin1(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.isBuffer(bytes)
    ? bytes.latin1Slice(start, end)
    : Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).latin1Slice();
}

interface MutableSubject {
  text: string;
  lower: string;
  isNested: boolean;
}

/** Places whose percent-encoding and plus signs every receiver undoes; readers report them as they came. */
function isUrlencoded(kind: number): boolean {
  return kind === QUERY_VALUE || kind === FORM_VALUE || kind === QUERY_NAME || kind === FORM_NAME;
}

/**
 * Where a literal stands, -1 = nowhere. A space in it stands for up to 64 white characters, so the cost is bounded by the
 * length of the text times a constant of the literal.
 */
function findLiteral(lower: string, literal: string): number {
  const space = literal.indexOf(" ");
  if (space < 0) return lower.indexOf(literal);
  const words = literal.split(" ");
  const first = words[0]!;
  for (let at = lower.indexOf(first); at >= 0; at = lower.indexOf(first, at + 1))
    if (goesOn(lower, at + first.length, words)) return at;
  return -1;
}

/** Whether the words after the first follow, each after white space. */
function goesOn(lower: string, at: number, words: readonly string[]): boolean {
  for (let index = 1; index < words.length; index++) {
    const gap = at;
    while (at < gap + GAP_MAX && isWhite(lower.charCodeAt(at))) at++;
    if (at === gap || !lower.startsWith(words[index]!, at)) return false;
    at += words[index]!.length;
  }
  return true;
}

/** Longest white space that a space in a literal stands for. Characters. */
const GAP_MAX = 64;

function isWhite(code: number): boolean {
  return code === 0x20 || (code >= 0x09 && code <= 0x0d) || code === 0xa0;
}

/** Parts and bodies of an unknown type; what is text by its grammar (JSON, forms, XML) is read as text. */
function mayBeBinary(kind: number): boolean {
  return kind === PART_TEXT || kind === BODY_TEXT || kind === BODY_BYTES;
}

/** Nobody decodes a name from base64. */
function isName(kind: number): boolean {
  return names[kind] === 1;
}

const names: Uint8Array = Uint8Array.from(placeNames, (name, kind) =>
  name.endsWith("_name") || kind === JSON_KEY ? 1 : 0,
);

const folded: Uint8Array = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte,
);
