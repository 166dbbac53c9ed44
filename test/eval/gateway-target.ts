import { spawn } from "node:child_process";
import http from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import type { TestContext } from "node:test";
import { methodNames, TRACE } from "../../src/http/request.ts";
import { freePort } from "../support/free-port.ts";
import { type LogEvent, startGateway } from "../support/gateway.ts";
import type { EvalCase } from "./case.ts";
import { Lane } from "./lane.ts";
import type { Target } from "./target.ts";
import { type Answer, type Judged, judge } from "./verdict.ts";

/** Lanes at a time: enough to keep two processes busy, few enough to stay below every limit of connections. */
const LANES = 4;
const TIMEOUT_MS = 8000;

/**
 * The running gateway, started anew for each batch of cases: `bin/zion.js run`, one route, the WAF's default profile,
 * every limit at its default.
 */
export function gatewayTarget(t: Pick<TestContext, "after">): Target {
  return {
    name: "gateway, default profile",
    async judgeAll(cases) {
      const origin = await startMarkingOrigin();
      t.after(() => origin.close());
      const judged = await judgeThrough(t, origin.port, cases);
      const forwarded = judged.filter(({ verdict }) => verdict === "forwarded" || verdict === "clean").length;
      const unanswered = judged.filter(({ verdict }) => verdict === "timeout" || verdict === "other").length;
      // What is refused must not have been forwarded as well.
      if (origin.requests() > forwarded + unanswered) {
        throw new Error(
          `${origin.requests()} requests reached the origin, but ${forwarded} were answered by it`,
        );
      }
      await origin.close();
      return judged;
    },
  };
}

/**
 * The running gateway before the origin of the shared tools that looks at the exact bytes it is sent, with short
 * time-outs for requests that never end.
 */
export function framingTarget(t: Pick<TestContext, "after">, shared: string): Target {
  return {
    name: "gateway, default profile, raw origin",
    async judgeAll(cases) {
      const port = await freePort();
      const child = spawn(process.execPath, [path.join(shared, "tools/raw_upstream.mjs"), String(port)]);
      t.after(() => void child.kill("SIGKILL"));
      await new Promise((done) => child.stdout.once("data", done));
      const judged = await judgeThrough(
        t,
        port,
        cases,
        "header_timeout_ms = 1000\nbody_idle_timeout_ms = 1000",
      );
      child.kill("SIGKILL");
      return judged;
    },
  };
}

async function judgeThrough(
  t: Pick<TestContext, "after">,
  originPort: number,
  cases: readonly EvalCase[],
  server = "",
): Promise<Judged[]> {
  const gateway = await startGateway(
    t,
    `[server]
workers = 1
shutdown_delay_ms = 0
${server}

[upstream.origin]
url = "http://127.0.0.1:${originPort}"

[[route]]
path = "/{*rest}"
upstream = "origin"
methods = [${served.map((method) => `"${method}"`).join(", ")}]
`,
  );
  const answers = await sendAll(gateway.port, cases);
  // Stopped first: then the whole log is written.
  gateway.signal("SIGTERM");
  await gateway.exited;
  const lines = new Map(gateway.accessLog().map((line) => [String(line["zion.request_id"]), line]));
  return cases.map((one, index) => explain(one, answers[index]!, lines.get(answers[index]!.requestId)));
}

/** Those of WebDAV have to be named. */
const served = methodNames.slice(0, TRACE);

async function sendAll(port: number, cases: readonly EvalCase[]): Promise<Answer[]> {
  const answers: Answer[] = new Array(cases.length);
  let next = 0;
  const work = async (): Promise<void> => {
    const lane = new Lane(port, TIMEOUT_MS);
    while (next < cases.length) {
      const index = next++;
      answers[index] = await lane.send(cases[index]!);
    }
    lane.close();
  };
  await Promise.all(Array.from({ length: LANES }, work));
  return answers;
}

/** Joins an answer with the line of the access log that says why. */
function explain(one: EvalCase, answer: Answer, line: LogEvent | undefined): Judged {
  const verdict = judge(answer);
  const text = (name: string): string => (typeof line?.[name] === "string" ? line[name] : "");
  return {
    one,
    verdict,
    status: answer.status,
    gate: verdict === "forwarded" || verdict === "clean" ? "" : text("zion.waf.gate") || text("zion.reason"),
    rule: text("security_rule.name") || text("zion.waf.detail"),
  };
}

/** An origin that reads every body whole and answers 200 with its mark. */
export async function startMarkingOrigin(): Promise<{
  port: number;
  requests: () => number;
  close: () => Promise<void>;
}> {
  let count = 0;
  const server = http.createServer(
    { maxHeaderSize: 1 << 20, requireHostHeader: false },
    (request, response) => {
      // The gateway's own probes are no answers to cases.
      if (request.headers["user-agent"] !== "zion-health") count++;
      request.resume();
      request.on("end", () => response.writeHead(200, { "x-upstream": "1", "content-length": 2 }).end("ok"));
    },
  );
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return {
    port: (server.address() as AddressInfo).port,
    requests: () => count,
    async close() {
      server.closeAllConnections();
      await new Promise<void>((done) => server.close(() => done()));
    },
  };
}
