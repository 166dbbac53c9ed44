import assert from "node:assert/strict";
import type { ServerResponse } from "node:http";
import { type TestContext, test } from "node:test";
import { makeSelfSigned } from "../../src/cert/self-signed.ts";
import { runAcmeTask } from "../../src/control/acme-run.ts";
import type { AcmeOutcome, AcmeTask } from "../../src/control/acme-task.ts";
import { openAcmeTransport, readRetryAfter } from "../../src/control/acme-transport.ts";
import { type AcmeFront, type FrontAnswer, startAcmeFront } from "../support/acme-front.ts";
import { noPebble, startPebble } from "../support/pebble.ts";
import { startDesk, startResponder } from "./desk-case.ts";

// CAs, and what stands before them, that say what no CA should (reliability.md AC4, AC5).

/** What becomes of a question to it. */
function ask({ directoryUrl, caPem }: AcmeFront): Promise<AcmeOutcome> {
  const task: AcmeTask = { kind: "renewal", access: { directoryUrl, caPem }, renewalId: "a.b" };
  return runAcmeTask(task, async () => {});
}

function say(
  response: ServerResponse,
  status: number,
  type: string,
  body: string,
  location?: string,
): boolean {
  response
    .writeHead(status, { "content-type": type, ...(location === undefined ? {} : { location }) })
    .end(body);
  return true;
}

const directories: readonly (readonly [string, (response: ServerResponse) => boolean, string, RegExp])[] = [
  ["HTML", (response) => say(response, 200, "text/html", "<html>"), "bad_answer", /type/],
  [
    "HTML that claims to be JSON",
    (response) => say(response, 200, "application/json", "<html>"),
    "bad_answer",
    /./,
  ],
  [
    "1 MB",
    (response) => say(response, 200, "application/json", `{"a":"${"a".repeat(1e6)}"}`),
    "bad_answer",
    /./,
  ],
  [
    "a redirect",
    (response) => say(response, 302, "application/json", "{}", "https://169.254.169.254/"),
    "bad_answer",
    /redirects/,
  ],
  [
    "a URL of another host",
    (response) => say(response, 200, "application/json", '{"renewalInfo":"https://169.254.169.254/a"}'),
    "bad_answer",
    /another origin/,
  ],
  [
    "a URL without TLS",
    (response) => say(response, 200, "application/json", '{"renewalInfo":"http://localhost/a"}'),
    "bad_answer",
    /another origin/,
  ],
  [
    "a file",
    (response) => say(response, 200, "application/json", '{"renewalInfo":"file:///etc/passwd"}'),
    "bad_answer",
    /another origin/,
  ],
  ["503", (response) => say(response, 503, "text/html", "busy"), "unreachable", /503/],
  ["nothing", (response) => response.destroy() === response, "unreachable", /./],
  ["no JSON object", (response) => say(response, 200, "application/json", "null"), "bad_answer", /./],
];

for (const [what, answer, reason, problem] of directories) {
  test(`a directory that is ${what} gives no certificate`, async (t) => {
    const front = await startAcmeFront(t, undefined);
    front.handle = (_path, response) => answer(response);
    const outcome = await ask(front);
    assert.ok(outcome.type === "failed", outcome.type);
    assert.equal(outcome.reason, reason);
    assert.match(outcome.problem, problem);
    assert.ok(outcome.problem.length <= 300);
  });
}

test("control characters of a CA do not get into the log", async (t) => {
  const front = await startAcmeFront(t, await startPebbleFor(t, 1));
  front.handle = (at, response) =>
    at === "/sign-me-up" &&
    say(
      response,
      403,
      "application/problem+json",
      JSON.stringify({
        type: "urn:ietf:params:acme:error:unauthorized",
        detail: `\u001b[31m\n\u202e${"a".repeat(5000)}`,
      }),
    );
  const bench = await startDesk(t, await startResponder(t), { account: front });
  const { problem, reason } = await bench.event("zion.acme.failed");
  assert.equal(reason, "account");
  assert.match(String(problem), /^[ -~]{1,300}$/);
});

test("an answer that does not end is given up", async (t) => {
  const front = await startAcmeFront(t, undefined);
  front.handle = (_path, response) => {
    response.writeHead(200, { "content-type": "application/json" });
    response.write("{");
    return true;
  };
  const transport = openAcmeTransport(front, 200);
  t.after(() => transport.close());
  const request = { url: front.directoryUrl, method: "get", headers: {}, body: undefined };
  await assert.rejects(transport.send(request), { reason: "unreachable", message: "timeout" });
});

test("a certificate of another CA than the one that is named is not taken for the CA's", async (t) => {
  const front = await startAcmeFront(t, undefined);
  const other = makeSelfSigned({ names: ["localhost"], days: 1 }).certPem;
  const outcome = await ask({ ...front, caPem: other });
  assert.ok(outcome.type === "failed");
  assert.equal(outcome.reason, "unreachable");
  assert.equal(front.asked.length, 0);
});

test("Retry-After is seconds or a date, and nothing else", () => {
  const nowMs = Date.parse("2030-01-01T00:00:00Z");
  assert.equal(readRetryAfter("120", nowMs), 120_000);
  assert.equal(readRetryAfter("Tue, 01 Jan 2030 00:01:00 GMT", nowMs), 60_000);
  assert.equal(readRetryAfter("Tue, 01 Jan 2019 00:01:00 GMT", nowMs), 0);
  for (const text of [undefined, "", "-1", "soon", "99999999999"])
    assert.equal(readRetryAfter(text, nowMs), undefined, text);
});

function startPebbleFor(t: TestContext, httpPort: number) {
  return startPebble(t, { httpPort, tlsPort: 1 });
}

const pem = (names: readonly string[], days = 3, nowMs = Date.now()) =>
  makeSelfSigned({ names, days, nowMs }).certPem;

/** What a CA may give in place of a certificate. */
const chains: readonly (readonly [string, (chain: string) => FrontAnswer | string, RegExp])[] = [
  ["is for another key", () => pem(["a.test"]), /another key/],
  ["is garbage", () => "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", /cannot be read/],
  ["is empty", () => "", /0 certificates/],
  ["has a hundred links", (chain) => chain + pem(["a"]).repeat(100), /certificates/],
  ["is a page", (chain) => ({ status: 200, type: "text/html", body: chain }), /type/],
];

for (const [what, change, problem] of chains) {
  test(`a certificate that ${what} is not served, and the old one stays`, { skip: noPebble }, async (t) => {
    const responder = await startResponder(t);
    const front = await startAcmeFront(t, await startPebbleFor(t, responder.port));
    const bench = await startDesk(t, responder, { account: front });
    await bench.event("zion.acme.issued");
    const before = bench.files.certificate("a.test");
    front.edit = (at, answer) => {
      if (!at.startsWith("/certZ/")) return answer;
      const changed = change(answer.body);
      return typeof changed === "string" ? { ...answer, body: changed } : changed;
    };
    bench.forward(60_000, [{ ...bench.certificates[0]!, domains: ["a.test", "b.test"] }]);
    const failed = await bench.event("zion.acme.failed");
    assert.equal(failed["reason"], "bad_answer");
    assert.match(String(failed["problem"]), problem);
    assert.equal(bench.files.certificate("a.test"), before);
    assert.equal(bench.files.order("a.test"), undefined);
  });
}

/** Changes of an order or an authorization. */
const lies: readonly (readonly [string, string, (body: Record<string, unknown>) => void, string, RegExp])[] =
  [
    [
      "an order with a thousand authorizations",
      "/order-plz",
      (body) => {
        body["authorizations"] = Array(1000).fill((body["authorizations"] as string[])[0]);
      },
      "bad_answer",
      /another number of authorizations/,
    ],
    [
      "an authorization for another name",
      "/authZ/",
      (body) => {
        body["identifier"] = { type: "dns", value: "bank.test" };
      },
      "bad_answer",
      /not ordered/,
    ],
    [
      "a token that leads elsewhere",
      "/authZ/",
      (body) => {
        for (const challenge of body["challenges"] as { token: string }[])
          challenge.token = "../../admin/aaaaaaaaaaaaaaaaaaa";
      },
      "bad_answer",
      /base64url/,
    ],
    [
      "no challenge of the kind that is wanted",
      "/authZ/",
      (body) => {
        body["challenges"] = [];
      },
      "challenge",
      /does not offer http-01/,
    ],
  ];

for (const [what, at, change, reason, problem] of lies) {
  test(`${what} ends the order`, { skip: noPebble }, async (t) => {
    const responder = await startResponder(t);
    const front = await startAcmeFront(t, await startPebbleFor(t, responder.port));
    front.edit = (asked, answer) => {
      if (!asked.startsWith(at)) return answer;
      const body = JSON.parse(answer.body) as Record<string, unknown>;
      change(body);
      return { ...answer, body: JSON.stringify(body) };
    };
    const bench = await startDesk(t, responder, { account: front });
    const failed = await bench.event("zion.acme.failed");
    assert.equal(failed["reason"], reason);
    assert.match(String(failed["problem"]), problem);
    assert.deepEqual(responder.challenges, []);
  });
}
