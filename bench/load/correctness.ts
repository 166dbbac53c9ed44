import { once } from "node:events";
import http from "node:http";
import { gunzipSync } from "node:zlib";
import type { Candidate } from "./candidate.ts";
import { type Answer, ask, askHttp2, group, suite } from "./client.ts";
import type { FanOut } from "./events.ts";
import { fileContent } from "./files.ts";
import type { Scenario } from "./scenarios.ts";
import { printRequest, type Traffic } from "./traffic.ts";
import { type Seen, shortened } from "./witness.ts";

/**
 * Whether a candidate does the work of a scenario at all: nothing is timed before this is empty. Asks once what the
 * scenario asks, and once for the witness. Returns what is wrong, in words.
 */
export async function checkCandidate(
  candidate: Candidate,
  scenario: Scenario,
  originPort: number,
): Promise<string[]> {
  const port = scenario.tls ? candidate.httpsPort : candidate.httpPort;
  const authority = `localhost:${port}`;
  const extra = scenario.close ? ([["Connection", "close"]] as const) : [];
  const wrong: string[] = [];

  const asked = (traffic: Traffic): Promise<Answer> =>
    scenario.kind === "h2load"
      ? askHttp2(port, traffic, authority)
      : ask(port, scenario.tls, printRequest(traffic, authority, extra), scenario.close);
  const straight = await ask(originPort, false, printRequest(scenario.traffic, authority), false);
  const answer = await asked(scenario.traffic);
  if (answer.status !== 200) wrong.push(`status ${answer.status}`);
  if (straight.body.length !== scenario.traffic.answerBytes)
    wrong.push("the origin's own answer has another size");
  if (answer.body !== straight.body) wrong.push(`a body of ${answer.body.length} B that is not the origin's`);
  for (const name of ["x-origin", "etag", "content-type", "cache-control"]) {
    if (answer.fields.get(name) !== straight.fields.get(name))
      wrong.push(`answer field ${name} did not arrive`);
  }
  if (scenario.close && !answer.closed) wrong.push("the connection stays open after Connection: close");
  if (answer.tls !== undefined) {
    const { version, group: usedGroup, suite: usedSuite } = answer.tls;
    if (version !== "TLSv1.3" || usedGroup !== group || usedSuite !== suite) {
      wrong.push(
        `${version} with ${usedGroup} and ${usedSuite} instead of TLSv1.3 with ${group} and ${suite}`,
      );
    }
  }

  const probe: Traffic = { ...scenario.traffic, target: `/witness${scenario.traffic.target}` };
  const reply = await asked(probe);
  if (reply.status !== 200) return [...wrong, `status ${reply.status} on the way to the witness`];
  const seen = JSON.parse(reply.body) as Seen;
  return [...wrong, ...compareSeen(probe, seen, authority, scenario.tls)];
}

/** Whether a gRPC call comes back with its message and its status. */
export async function checkCall(candidate: Candidate, { traffic }: Scenario): Promise<string[]> {
  const answer = await askHttp2(candidate.httpsPort, traffic, `localhost:${candidate.httpsPort}`);
  const wrong: string[] = [];
  if (answer.status !== 200) wrong.push(`status ${answer.status}`);
  if (answer.body !== traffic.body)
    wrong.push(`a message of ${answer.body.length} B that is not the one sent`);
  if (answer.fields.get("grpc-status") !== "0") wrong.push(`grpc-status ${answer.fields.get("grpc-status")}`);
  return wrong;
}

/** Whether the candidate itself sends the file. */
export async function checkFile(candidate: Candidate, { traffic }: Scenario): Promise<string[]> {
  const { httpPort } = candidate;
  const answer = await ask(httpPort, false, printRequest(traffic, `localhost:${httpPort}`), false);
  const wrong: string[] = [];
  if (answer.status !== 200) wrong.push(`status ${answer.status}`);
  if (answer.body !== fileContent(traffic.answerBytes).toString("latin1"))
    wrong.push(`${answer.body.length} B that are not the file`);
  if (answer.fields.get("etag") === undefined) wrong.push("no etag");
  return wrong;
}

/** Whether an answer comes compressed, and is the origin's when it is not. */
export async function checkCompressed(
  { httpPort }: Candidate,
  { traffic }: Scenario,
  originPort: number,
): Promise<string[]> {
  const [straight, answer] = await Promise.all([bytesOf(originPort, traffic), bytesOf(httpPort, traffic)]);
  const wrong: string[] = [];
  if (answer.coding !== "gzip") wrong.push(`content-encoding ${answer.coding}`);
  else if (!gunzipSync(answer.bytes).equals(straight.bytes)) wrong.push("another body");
  if (answer.bytes.length > straight.bytes.length / 2)
    wrong.push(`${answer.bytes.length} B are not compressed`);
  return wrong;
}

async function bytesOf(
  port: number,
  { target, fields }: Traffic,
): Promise<{ readonly coding: string | undefined; readonly bytes: Buffer }> {
  const headers = Object.fromEntries([...fields, ["Host", `localhost:${port}`]]);
  const request = http.get({ host: "127.0.0.1", port, path: target, headers, agent: false });
  const [answer] = (await once(request, "response")) as [http.IncomingMessage];
  const parts: Buffer[] = [];
  for await (const part of answer) parts.push(part as Buffer);
  return { coding: answer.headers["content-encoding"], bytes: Buffer.concat(parts) };
}

/** Whether an event arrives on a stream. */
export async function checkFanOut(fanOut: FanOut): Promise<string[]> {
  const { requests } = await fanOut.run(0.01, 1);
  return requests > 0 ? [] : ["no event arrived"];
}

/** What differs between a request sent and what the witness saw of it. */
export function compareSeen(sent: Traffic, seen: Seen, authority: string, tls: boolean): readonly string[] {
  const wrong: string[] = [];
  if (seen.method !== sent.method) wrong.push(`method ${seen.method} upstream`);
  if (seen.target !== sent.target) wrong.push(`target ${seen.target} upstream`);
  if (seen.body !== shortened(sent.body)) wrong.push(`another body upstream: ${seen.body.length} B`);
  for (const [name, value] of sent.fields) {
    if (seen.fields[name.toLowerCase()] !== value)
      wrong.push(`request field ${name} did not arrive unchanged`);
  }
  const forwarded = { "x-forwarded-for": "127.0.0.1", "x-forwarded-proto": tls ? "https" : "http" };
  for (const [name, value] of Object.entries(forwarded)) {
    if (seen.fields[name] !== value) wrong.push(`${name} is ${seen.fields[name]} upstream`);
  }
  if (seen.fields["x-forwarded-host"] !== authority)
    wrong.push("x-forwarded-host is not the client's authority");
  return wrong;
}
