import { openCapture } from "../record/capture-line.ts";
import { readFtwFile } from "./ftw-file.ts";
import { readHar } from "./har.ts";
import { at, listAt, textAt } from "./json-value.ts";
import { type PastRequest, pastOfRecord } from "./past.ts";
import type { Question } from "./question.ts";
import { questionOf, type Sender, type Wish, WishProblem } from "./wish.ts";

/** A request of a collection. */
export interface Recorded {
  readonly id: string;
  readonly asked:
    | { readonly kind: "whole"; readonly question: Question }
    /** Without fields and body. */
    | { readonly kind: "past"; readonly past: PastRequest }
    /** It cannot be asked about. */
    | { readonly kind: "lost"; readonly why: string };
  /** What came of it then, or should; undefined = nobody says. */
  readonly wasAllowed: boolean | undefined;
}

/** How requests are taken to come that do not say. */
export interface Arrival extends Sender {
  readonly secure: boolean;
}

/** Requests of a HAR file. Throws WishProblem when it is none. */
export function* recordedInHar(text: string, arrival: Arrival): Generator<Recorded> {
  for (const { number, method, url, status, wish } of readHar(text)) {
    const id = `${number} ${method} ${url}`;
    yield wish instanceof WishProblem
      ? lost(id, wish.message)
      : whole(id, questionOf(wish, arrival), wasAnswered(status));
  }
}

/** Undefined: 4xx and 5xx are a gateway's as well as an application's, and 0 is nobody's. */
function wasAnswered(status: number): true | undefined {
  return status >= 100 && status < 400 ? true : undefined;
}

/** Stages of a file of go-ftw tests. Throws WishProblem when it is none. */
export function* recordedInFtw(text: string, { from, sni }: Arrival): Generator<Recorded> {
  for (const { id, asked, isAllowed } of readFtwFile(text)) {
    if (asked.kind === "lost") yield lost(id, asked.why);
    else {
      const { bytes, secure } = asked;
      yield whole(id, { bytes, from, secure, serverName: sni ?? "" }, isAllowed);
    }
  }
}

/** A line of a capture file. Throws WishProblem without a key. */
export function recordedCapture(line: string, root: Buffer | undefined): Recorded {
  if (root === undefined) throw new WishProblem("kept requests are sealed: give the key with --capture-key");
  const opened = openCapture(root, line);
  if (opened === undefined) return lost("", "the key does not open it, or it was changed since");
  const { facts, bytes } = opened;
  const { id, from, secure, serverName, redacted, decision } = facts;
  if (redacted.length > 0) return lost(id, `taken out before it was kept: ${redacted.join(", ")}`);
  return whole(id, { bytes, from, secure, serverName }, decision === "allow" || decision === "shadow");
}

/** A line of JSON: a record of an audit log, or a case of a corpus; undefined = a record about something else. */
export function recordedInLine(line: string, arrival: Arrival): Recorded | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw new WishProblem("it is neither JSON by line, nor HAR, nor lines of curl");
  }
  if (textAt(value, "kind") !== "") {
    const past = pastOfRecord(line);
    return past === undefined ? undefined : recordedPast(past);
  }
  return recordedCase(value, arrival);
}

export function recordedPast(past: PastRequest): Recorded {
  return {
    id: past.requestId,
    asked: { kind: "past", past },
    wasAllowed: past.decision === "allow" || past.decision === "shadow",
  };
}

export function recordedWish(id: string, wish: Wish, arrival: Arrival): Recorded {
  return whole(id, questionOf(wish, arrival), undefined);
}

const expectations: Readonly<Record<string, boolean>> = Object.assign(Object.create(null), {
  block: false,
  reject: false,
  pass: true,
  accept: true,
});

/** `{id, expect, method, target, headers, body_b64}` or `{id, expect, raw_b64}`, as the corpora of test/eval have them. */
function recordedCase(value: unknown, arrival: Arrival): Recorded {
  const id = textAt(value, "id");
  const wasAllowed = expectations[textAt(value, "expect")];
  const raw = textAt(value, "raw_b64");
  const { from, secure, sni } = arrival;
  if (raw !== "") {
    const bytes = Buffer.from(raw, "base64");
    return whole(id, { bytes, from, secure, serverName: sni ?? "", brief: true }, wasAllowed);
  }
  const fields = listAt(value, "headers").map((pair) => {
    const [name = "", text = ""] = Array.isArray(pair) ? pair.map(String) : [];
    return [name, text] as const;
  });
  if (at(value, "method") === undefined && at(value, "body_b64") === undefined)
    return lost(id, "it is no request: it has neither raw_b64 nor method, target, headers and body_b64");
  const host = fields.find(([name]) => /^host$/i.test(name))?.[1] ?? "localhost";
  const wish: Wish = {
    method: textAt(value, "method") || "GET",
    scheme: secure ? "https" : "http",
    authority: host,
    target: textAt(value, "target") || "/",
    fields,
    body: Buffer.from(textAt(value, "body_b64"), "base64"),
  };
  return whole(id, questionOf(wish, arrival), wasAllowed);
}

function whole(id: string, question: Question, wasAllowed: boolean | undefined): Recorded {
  return { id, asked: { kind: "whole", question: { ...question, brief: true } }, wasAllowed };
}

function lost(id: string, why: string): Recorded {
  return { id, asked: { kind: "lost", why }, wasAllowed: undefined };
}
