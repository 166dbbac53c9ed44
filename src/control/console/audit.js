import { element } from "./element.js";

/** How long a head may go unsigned, or unread: the writer signs within ten seconds, and reads again each hour. */
const LATE_SECS = 60;
const UNREAD_SECS = 7200;

/** The audit log's head and newest checkpoint, and what came of reading it again, for a list of terms. */
export function auditFacts(audit) {
  if (audit.state === "off") return [fact("log", "off", "warn")];
  const { state, problem, size, root, checkpoint, verified, anchored } = audit;
  const tones = { up: "good", degraded: "warn" };
  const isLate = checkpoint !== undefined && checkpoint.size < size && checkpoint.age_secs > LATE_SECS;
  const isUnread = (verified.age_secs ?? 0) > UNREAD_SECS;
  return [
    fact("writer", problem === undefined ? state : `${state}: ${problem}`, tones[state] ?? "bad"),
    fact("records", size === undefined ? "not known yet" : size.toLocaleString("en")),
    fact("root", root === undefined ? "not known yet" : root, "hash"),
    fact(
      "checkpoint",
      checkpoint === undefined ? "none yet" : `of ${checkpoint.size} records, ${ago(checkpoint)}`,
      isLate ? "warn" : "",
    ),
    fact(
      "read again",
      verified.failures > 0 ? `${verified.failures} findings` : `as written, ${ago(verified)}`,
      verified.failures > 0 ? "bad" : isUnread ? "warn" : "good",
    ),
    fact("kept elsewhere", anchored === undefined ? "not yet" : ago(anchored)),
  ];
}

function fact(name, value, tone = "") {
  return element("div", {}, element("dt", {}, name), element("dd", { class: tone }, value));
}

function ago({ age_secs: secs }) {
  if (secs === undefined) return "never";
  if (secs < 120) return `${secs} s ago`;
  return secs < 7200 ? `${Math.floor(secs / 60)} min ago` : `${Math.floor(secs / 3600)} h ago`;
}
