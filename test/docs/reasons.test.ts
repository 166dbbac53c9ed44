import { test } from "node:test";
import { allReasons, type Reason, reasons, type Stage } from "../../src/reason.ts";
import { assertGenerated, read, regenerate, row, sources } from "./document.ts";

const stages: Readonly<Record<Stage, string>> = {
  connection: "Connections. Mostly closed without an answer; then the status is 0.",
  tls: "TLS handshakes. Counted only.",
  framing: "The request line and the framing of the message.",
  target: "The request-target: authority, path and query.",
  fields: "Header fields.",
  body: "The request body.",
  gate: "Checks before and after routing.",
  waf: "The WAF. One answer for all of them; the record says which rule, where and why.",
  route: "Routing.",
  file: 'Files of routes with `mode = "static"`.',
  upstream: "The upstream.",
  gateway: "The gateway itself.",
};

test("docs/operating/reasons.md is what src/reason.ts says (ZION_WRITE_DOCS=1 writes it)", () => {
  assertGenerated("docs/operating/reasons.md", reasonsPage());
});

function reasonsPage(): string {
  const used = usedReasons();
  const out = [
    "# Reasons",
    "",
    `Generated from \`src/reason.ts\`; edit that, then \`${regenerate}\`.`,
    "",
    "Why an exchange or a connection was refused or cut. The code is `zion.reason` in the access log and the label `reason` of",
    "`zion_reject_total`; the stage is `zion.gate` and the label `stage`. Clients see the status, a few fixed words and the",
    "request id, never the code.",
    "",
    "*Blame* says who has to change something: the client, the upstream, or the gateway and its limits. *Closes*: the client's",
    "connection ends, because what follows on it cannot be trusted.",
  ];
  for (const [stage, about] of Object.entries(stages)) {
    const rows = allReasons.filter((reason) => reason.stage === stage && used.has(reason));
    if (rows.length === 0) continue;
    out.push("", `## ${stage}`, "", about, "", ...table(rows));
  }
  const reserved = allReasons.filter((reason) => !used.has(reason));
  if (reserved.length > 0) {
    out.push("", "## Reserved", "", "Declared, and not said by anything yet.", "", ...table(reserved));
  }
  return `${out.join("\n")}\n`;
}

function table(rows: readonly Reason[]): string[] {
  return [
    row("Reason", "Status", "Blame", "Closes", "Meaning"),
    row("---", "--:", "---", "---", "---"),
    ...rows.map(({ code, status, blame, close, doc }) =>
      row(`\`${code}\``, String(status), blame, close ? "yes" : "no", doc),
    ),
  ];
}

/** Rows that some other file names. */
function usedReasons(): Set<Reason> {
  const text = sources()
    .filter((file) => file !== "src/reason.ts")
    .map(read)
    .join("\n");
  const named = new Set([...text.matchAll(/\breasons\.(\w+)\b/g)].map((match) => match[1]));
  return new Set(Object.entries(reasons).flatMap(([key, reason]) => (named.has(key) ? [reason] : [])));
}
