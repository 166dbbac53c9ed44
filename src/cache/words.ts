import type { BypassWhy } from "./counts.ts";
import type { UnstorableWhy } from "./judgement.ts";
import { ageSecs } from "./life.ts";
import type { StoredAnswer } from "./stored-answer.ts";
import type { Served } from "./visitor.ts";

// What clients are told, as whole lines: `X-Zion-Cache` in a word, `Cache-Status` (RFC 9211) for those who read it.

/** `Age` is due in every answer from memory (RFC 9111 §5.1); the rest where the profile says so. */
export function storedWords(answer: StoredAnswer, served: Served, tells: boolean, nowMs: number): string {
  const age = ageSecs(answer.life, nowMs);
  // Most hits of a second say the same.
  if (served.outcome === "HIT" && answer.noteSecs === age && tells) return answer.note;
  const isNew = served.outcome === "MISS" && answer.life.initialAgeSecs < 1 && age < 1;
  const lines = isNew ? "" : `Age: ${Math.max(0, age)}\r\n`;
  if (!tells) return lines;
  const text = `${lines}X-Zion-Cache: ${served.outcome}\r\nCache-Status: zion; ${statusOf(answer, served, age)}\r\n`;
  if (served.outcome === "HIT") {
    answer.noteSecs = age;
    answer.note = text;
  }
  return text;
}

export function passedWords(why: UnstorableWhy, status: number): string {
  return `X-Zion-Cache: MISS\r\nCache-Status: zion; fwd=uri-miss; fwd-status=${status}; detail=${why}\r\n`;
}

export function bypassWords(why: BypassWhy): string {
  const forwarded = why === "method" ? "method" : why === "no-store" ? "request" : "bypass";
  return `X-Zion-Cache: BYPASS\r\nCache-Status: zion; fwd=${forwarded}; detail=${why}\r\n`;
}

function statusOf(answer: StoredAnswer, { outcome, collapsed, status }: Served, age: number): string {
  const ttl = Math.floor(answer.life.freshSecs - age);
  const together = collapsed ? "; collapsed" : "";
  const said = status === 0 ? "" : `; fwd-status=${status}`;
  switch (outcome) {
    case "HIT":
      return `hit; ttl=${ttl}`;
    case "MISS":
      return `fwd=uri-miss${said}; stored${together}`;
    case "REVALIDATED":
      return `fwd=stale${said}; stored${together}`;
    case "STALE":
      return `hit; ttl=${ttl}; detail=stale-if-error${together}`;
    case "STALE-WHILE-REVALIDATE":
      return `hit; ttl=${ttl}; detail=stale-while-revalidate`;
  }
}
