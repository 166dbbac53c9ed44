import assert from "node:assert/strict";
import { test } from "node:test";
import { ask, field } from "../support/raw-client.ts";
import { makeToken } from "../support/tokens.ts";
import { startBench } from "./bench.ts";
import { head } from "./case.ts";

// The order of issue 5, seen from outside: of all that is wrong with a request, the first gate speaks.

const secret = "0123456789abcdef0123456789abcdef";

/** What a request does to be refused by each gate, in the gates' order; what is absent is as in a good request. */
interface Fault {
  readonly reason: string;
  readonly method?: string;
  readonly host?: string;
  /** First part of the client's address. */
  readonly network?: string;
  /** Good requests of the same client before it. */
  readonly before?: number;
  readonly agent?: string;
  readonly token?: string;
  /** Another client used the same token before. */
  readonly spent?: boolean;
  readonly body?: string;
  readonly length?: number;
  readonly fields?: readonly string[];
}

const attack = "1' UNION SELECT password FROM users--";

const faults: readonly Fault[] = [
  { reason: "method_syntax", method: "post" },
  { reason: "loop", fields: ["Via: 1.1 SELF"] },
  { reason: "list_denied", agent: "BadBot" },
  { reason: "origin_class", network: "198.51.100" },
  { reason: "rate_limited", before: 4 },
  { reason: "route_not_found", host: "b.test" },
  { reason: "list_not_allowed", agent: "curl" },
  { reason: "rate_limited", before: 1 },
  { reason: "internal_only", network: "203.0.113" },
  { reason: "cors_origin", fields: ["Origin: https://evil.test"] },
  { reason: "auth_missing", token: "" },
  { reason: "rate_limited", spent: true },
  { reason: "waf_patterns", fields: [`X-Note: ${attack}`] },
  { reason: "body_cap", length: 2_000_000 },
  { reason: "waf_patterns", body: JSON.stringify({ a: attack }) },
  { reason: "upstream_connect" },
];

test("of all gates that have something against a request, the first in the order speaks", async (t) => {
  const { edge, origin } = await startBench(t, {
    waf: true,
    server: 'trusted_proxies = ["127.0.0.1"]\nlists = ["bots"]\nlimits = ["early"]',
    route: `hosts = ["a.test"]
lists = ["browsers"]
limits = ["late", "user"]
internal_only = true
max_body_mb = 1
auth_profile = "users"
[route.cors]
allowed_origins = ["https://a.test"]`,
    tables: `[list.bots]
user_agents = ["BadBot"]
[list.browsers]
action = "allow"
user_agents = ["Mozilla", "BadBot"]
[limit.early]
rate = 4
window_secs = 86400
[limit.late]
rate = 1
window_secs = 86400
[limit.user]
rate = 1
window_secs = 86400
key = ["claim:sub"]
[list.clouds]
cidrs = ["198.51.100.0/24"]
[sovereign]
enabled = true
classes = { datacenter = ["clouds"] }
[sovereign.enforce]
enabled = true
deny = ["datacenter"]
[auth_profile.users]
secret = "${secret}"`,
  });
  let self = "";
  const tokenOf = (sub: string) =>
    makeToken({ alg: "HS256" }, { sub, exp: Math.floor(Date.now() / 1000) + 600 }, secret);
  const send = async (fault: Omit<Fault, "reason"> & { readonly user?: string }, client: number) => {
    const body = fault.body ?? '{"a":1}';
    const bearer = fault.token ?? tokenOf(fault.user ?? `user-${client}`);
    const lines = [
      `${fault.method ?? "POST"} /x HTTP/1.1`,
      `Host: ${fault.host ?? "a.test"}`,
      `X-Forwarded-For: ${fault.network ?? "10.0.0"}.${client}`,
      `User-Agent: ${fault.agent ?? "Mozilla"}`,
      "Content-Type: application/json",
      `Content-Length: ${fault.length ?? body.length}`,
      ...(bearer === "" ? [] : [`Authorization: Bearer ${bearer}`]),
      ...(fault.fields ?? []),
    ];
    return ask(edge.port, head(...(lines.map((line) => line.replace("SELF", self)) as [string])) + body);
  };
  assert.equal((await send({}, 1)).status, 200);
  self = origin.requests[0]!.fields.find(([name]) => name === "via")![1].split(" ")[1]!;
  await origin.close();

  const spoken: unknown[] = [];
  for (let first = 0; first < faults.length; first++) {
    const wrong = faults.slice(first);
    // Where two want another value of the same thing, the earlier gate gets its own.
    const all = Object.assign({}, ...wrong.toReversed(), {
      fields: wrong.flatMap(({ fields }) => fields ?? []),
    });
    const client = 10 + first;
    for (let i = 0; i < (all.before ?? 0); i++) await send({ network: all.network }, client);
    if (all.spent) await send({ user: `user-${client}` }, 100 + client);
    const answer = await send(all, client);
    spoken.push((await edge.logLine(field(answer, "x-request-id")!))["zion.reason"]);
  }
  assert.deepEqual(
    spoken,
    faults.map(({ reason }) => reason),
  );
});
