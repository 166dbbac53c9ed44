import { DETECTIONS_MAX, type Detection, type Detector, type Subject } from "../detection.ts";

/**
 * Lookups that loggers and text libraries evaluate: `${jndi:ldap://…}` (Log4Shell, CVE-2021-44228), Commons Text
 * `${script:…}` (CVE-2022-42889). Nested lookups hide the name (`${${lower:j}ndi:…}`, `${::-j}`), so they are resolved
 * the way the library would, and the name is read from the result.
 */

const DEPTH_MAX = 16;
/** A resolved lookup longer than this is cut: names are short. */
const RESOLVED_MAX = 256;

const JNDI_SCHEME = /^jndi:[\s]{0,8}(?:ldaps?|rmi|dns|nis|iiop|corba|nds|https?|\$|\/\/|[a-z]{2,8}:)/;
const TEXT_LOOKUP =
  /^(?:script:[\w.-]{1,20}:|dns:(?:address|canonicalname|name)\|?|url:[\w-]{1,12}:[a-z]{2,6}:\/\/|(?:file|xml|properties|resourcebundle):(?:utf-8|iso-8859-1)?:?[./\\]|const:java\.)/;
const ENVIRONMENT =
  /^(?:env|sys|java|ctx|main|bundle|docker|k8s|spring|log4j|sd|marker|web|hostname|map|event)(?::|$)/;

export const lookup: Detector = {
  name: "lookup",
  kinds: {
    "lookup.jndi":
      "a lookup that makes a Java logger fetch an object from a naming service, however it is spelled",
    "lookup.nested": "lookups nested in one another to spell a word letter by letter",
    "lookup.text_interpolation": "a Commons Text lookup that runs a script, resolves a name or reads a file",
    "lookup.environment": "a lookup of the server's environment or system properties",
  },
  triggers: ["${", "jndi:", "$%7b", "{jndi"],
  detect(subject, found) {
    const from = found.length;
    bareJndi(subject.lower, found);
    resolve(subject, found, from);
  },
};

const BARE_JNDI = [
  "jndi:ldap:",
  "jndi:ldaps:",
  "jndi:rmi:",
  "jndi:dns:",
  "jndi:iiop:",
  "jndi:nis:",
  "jndi:corba:",
];

/** The name is enough where the braces were split by tricks no resolver of ours knows. */
function bareJndi(lower: string, found: Detection[]): void {
  for (const literal of BARE_JNDI) {
    const at = lower.indexOf(literal);
    if (at < 0) continue;
    found.push({ kind: "lookup.jndi", start: at, end: at + literal.length });
    return;
  }
}

interface Open {
  readonly start: number;
  content: string;
  inner: number;
}

/** Where a lookup opens or closes. */
const BRACE = /\$\{|\}/g;

/** One pass with a stack: each closed lookup gives its text to the one around it. */
function resolve({ lower }: Subject, found: Detection[], from: number): void {
  const stack: Open[] = [];
  let done = 0;
  BRACE.lastIndex = lower.indexOf("${");
  if (BRACE.lastIndex < 0) return;
  while (BRACE.test(lower)) {
    const end = BRACE.lastIndex;
    const opens = lower.charCodeAt(end - 1) === 0x7b;
    const top = stack[stack.length - 1];
    if (top !== undefined) append(top, lower, done, opens ? end - 2 : end - 1);
    done = end;
    if (opens) {
      // What was opened first is given up: it hides nothing that follows.
      if (stack.length === DEPTH_MAX) stack.shift();
      stack.push({ start: end - 2, content: "", inner: 0 });
    } else if (top !== undefined) {
      stack.pop();
      judge(top, end, found);
      if (found.length - from >= DETECTIONS_MAX) return;
      const outer = stack[stack.length - 1];
      if (outer !== undefined && outer.content.length < RESOLVED_MAX) {
        outer.content += resolvedValue(top.content).slice(0, RESOLVED_MAX);
        outer.inner++;
      }
    }
    if (stack.length > 0) continue;
    BRACE.lastIndex = lower.indexOf("${", end);
    if (BRACE.lastIndex < 0) return;
  }
  // An unclosed lookup was cut by a length limit somewhere, but may be whole where it is logged.
  const open = stack[0];
  if (open === undefined) return;
  if (stack.length === 1) append(open, lower, done, lower.length);
  if (JNDI_SCHEME.test(open.content)) {
    found.push({ kind: "lookup.jndi", start: open.start, end: lower.length });
  }
}

function append(open: Open, lower: string, start: number, end: number): void {
  const room = RESOLVED_MAX - open.content.length;
  if (room > 0) open.content += lower.slice(start, Math.min(end, start + room));
}

function judge(open: Open, end: number, found: Detection[]): void {
  const name = open.content.trim();
  if (JNDI_SCHEME.test(name)) found.push({ kind: "lookup.jndi", start: open.start, end });
  else if (TEXT_LOOKUP.test(name)) found.push({ kind: "lookup.text_interpolation", start: open.start, end });
  else if (open.inner >= 2 && /^[a-z]{2,12}:/.test(name))
    found.push({ kind: "lookup.nested", start: open.start, end });
  else if (ENVIRONMENT.test(name)) found.push({ kind: "lookup.environment", start: open.start, end });
}

/** `lower:X` and `upper:X` give X, `name:-X` gives its default X; other lookups give nothing we can know. */
function resolvedValue(content: string): string {
  const fallback = content.indexOf(":-");
  if (fallback >= 0) return content.slice(fallback + 2);
  const colon = content.indexOf(":");
  if (colon < 0) return "";
  const name = content.slice(0, colon).trim();
  if (name === "lower" || name === "upper") return content.slice(colon + 1);
  if (name === "date") return content.slice(colon + 1).replaceAll("'", "");
  if (name === "base64" || name === "urldecoder") return content.slice(colon + 1);
  return "";
}
