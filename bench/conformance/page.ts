import type { Found, Http2GroupName, PartName, Share } from "./found.ts";

/** The sections of docs/benchmarks.md about results/conformance.json; those that were never run are left out. */
export function conformanceSections(found: Found): readonly string[] {
  return [http1(found), http2(found), webSocket(found), cache(found), tls(found)].filter(
    (part) => part !== "",
  );
}

function http1({ http1: part }: Found): string {
  if (part === undefined) return "";
  const of = (share: Share | undefined) => (share === undefined ? "–" : `${share.wrong} of ${share.sent}`);
  const lines = part.lines.map(
    ({ candidate, own, paths, ended, desync, harmless }) =>
      `| ${candidate} | ${of(own)} | ${of(paths)} | ${ended} | ${of(desync)} | ${of(harmless)} |`,
  );
  return `## HTTP/1.1 that nobody should pass on

\`bench/conformance.ts --only http1\`, ${stamp(part)}. *Passed on*: answered below 400. Our own cases are those that this gateway is
tested with, so its 0 is no surprise: ${part.lines[0]?.own.sent} requests and ${part.lines[0]?.paths.sent} paths, where the catalogue of bad input
([threat-model.md](threat-model.md)) counted 173. Some are only what this gateway does not take, such as unknown methods. *Ended*:
requests after which the proxy's process was gone; who ends is not asked the corpus. The corpus counts a request as right, too, if
it was passed on in an unambiguous form. The last column is what strictness costs: harmless cases that were refused.

| candidate | own cases, passed on | paths, passed on | ended | desync corpus, wrong | harmless, refused |
| --- | --: | --: | --: | --: | --: |
${lines.join("\n")}${left(part)}`;
}

function http2({ http2: part }: Found): string {
  if (part === undefined) return "";
  const lines = part.lines.map(({ candidate, groups }) => {
    const of = (name: Http2GroupName) => `${groups[name].wrong.length} of ${groups[name].sent}`;
    return `| ${candidate} | ${of("frames")} | ${groups.frames.otherCode.length} | ${of("messages")} | ${of("ambiguous")} | ${of("legal")} |`;
  });
  const which = part.lines.flatMap(({ candidate, groups }) => {
    const said = (["frames", "messages", "legal"] as const).flatMap((name) => groups[name].wrong);
    return said.length === 0 ? [] : [`- ${candidate}: ${said.map(cell).join("; ")}.`];
  });
  return `## HTTP/2 frames and messages

\`bench/conformance.ts --only http2\`, ${stamp(part)}, over TLS. *Frames* that break RFC 9113 or RFC 7541 must end the stream or the
connection, with the code that the text says; closing without a word counts as right. *Malformed* messages (RFC 9113, section 8) must
be refused; an answer below 400, or a request at the origin, is wrong (Caddy answers 200 by itself where no site has the name). *Ambiguous* ones are refused by this gateway beyond what
the specification says, so its 0 is no surprise there either. *Legal* ones must be served.

| candidate | frames, overlooked or answered | by another code | malformed, accepted | ambiguous, accepted | legal, not served |
| --- | --: | --: | --: | --: | --: |
${lines.join("\n")}

Which:

${which.join("\n")}${left(part)}`;
}

function webSocket({ websocket: part }: Found): string {
  if (part === undefined) return "";
  const titles = Object.keys(part.lines[0]?.cases ?? {});
  const rows = titles.map(
    (title) => `| ${title} | ${part.lines.map(({ cases }) => cell(cases[title] ?? "–")).join(" | ")} |`,
  );
  return `## WebSockets: the same bytes

\`bench/conformance.ts --only websocket\`, ${stamp(part)}. Valid frames of all sizes (RFC 6455), written in uneven pieces by both ends at once,
compared by SHA-256; then what becomes of the ends. Nobody demands that an end that is closed in one direction goes on in the
other: those rows say what happens. fastify-http-proxy takes messages apart and writes new frames.

| | ${part.lines.map(({ candidate }) => candidate).join(" | ")} |
| --- |${" --- |".repeat(part.lines.length)}
${rows.join("\n")}${left(part)}`;
}

function cache({ cache: part }: Found): string {
  if (part === undefined) return "";
  const lines = part.lines.map(
    (one) =>
      `| ${one.candidate} | ${one.right} of ${one.required} | ${one.reused.length} | ${one.refetched.length} | ${one.changed.length} | ${groupsOf(one.reused)} |`,
  );
  return `## What a shared cache must do

\`bench/conformance.ts --only cache\`, ${stamp(part)}. The cases of [suite.cases.ts](../test/cache/suite.cases.ts) that RFC 9111, RFC 9110 and
RFC 5861 require, restated along the public HTTP cache tests, judged by what the origin saw; rules that only this cache has are
left out. It was written with these cases, so its full marks are no surprise. *Reused*: answered from memory where the origin had to be
asked. *Fetched again*: the origin was asked without need, which is slower and never wrong. *Changed*: another status or other
fields. The others are set up to do what the answers say, with revalidation where there is such a thing; nginx keeps no account of
\`Age\`, which is most of its first column.

| candidate | right | reused | fetched again | changed | where it reused |
| --- | --: | --: | --: | --: | --- |
${lines.join("\n")}${left(part)}`;
}

/** Groups of the cases with how many of each. */
function groupsOf(titles: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const title of titles) {
    const group = title.slice(0, title.lastIndexOf(": ")).replace(/:.*/, "");
    counts.set(group, (counts.get(group) ?? 0) + 1);
  }
  return [...counts].map(([group, count]) => `${group} ${count}`).join(", ") || "–";
}

function tls({ tls: part }: Found): string {
  if (part === undefined) return "";
  const severities = ["OK", "INFO", "LOW", "MEDIUM", "HIGH", "CRITICAL"];
  const lines = part.lines.map(
    ({ candidate, policy, counts, findings }) =>
      `| ${candidate} | ${policy === "bench" ? "as in the benchmarks" : "its own"} | ${severities.map((name) => counts[name] ?? 0).join(" | ")} | ${findings.map((one) => cell(one.replace(/:.*/, ""))).join(", ") || "–"} |`,
  );
  return `## TLS

\`bench/conformance.ts --only tls\`, ${stamp(part)}. Findings of testssl.sh by severity (\`--fast --protocols --std --fs --server-preference
--vulnerable\`; the version of Debian gives no grade as a letter). In the benchmarks all offer TLS 1.3 and X25519; *its own* is what a
product does when nobody says anything about versions, ciphers and groups. This gateway is told nothing in both. The certificate is ours
and not looked at.

| candidate | policy | ${severities.join(" | ")} | worse than INFO |
| --- | --- |${" --: |".repeat(severities.length)} --- |
${lines.join("\n")}${left(part)}`;
}

function stamp({ date, commit }: NonNullable<Found[PartName]>): string {
  return `${date.slice(0, 10)}, ${commit}`;
}

function left({ leftOut }: NonNullable<Found[PartName]>): string {
  return leftOut.length === 0 ? "" : `\n\nLeft out: ${leftOut.map(cell).join("; ")}.`;
}

/** For a cell of a table. */
function cell(text: string): string {
  return text.replace(/[|<>*`\\]/g, (char) => `\\${char}`).replace(/[^ -~–§]/g, "?");
}
