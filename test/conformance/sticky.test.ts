import assert from "node:assert/strict";
import { once } from "node:events";
import http2 from "node:http2";
import { type TestContext, test } from "node:test";
import { type Edge, startEdge } from "../support/edge.ts";
import { type Origin, ok, type Script, startOrigin } from "../support/origin.ts";
import { ask, connect, field, fieldAll, type RawAnswer } from "../support/raw-client.ts";
import { accepting, handshake } from "../support/websocket.ts";

interface Setting {
  readonly edge: Edge;
  readonly members: readonly Origin[];
  /** The configuration with these members only, by index. */
  readonly config: (urls: readonly number[]) => string;
}

/** Members that say which one they are. */
async function start(
  t: TestContext,
  { sticky = "", route = "", tables = "" } = {},
  script?: (index: number) => Script,
): Promise<Setting> {
  const members = await Promise.all(
    [0, 1, 2].map((index) =>
      startOrigin({
        script: script?.(index) ?? (async (_request, { socket }) => void socket.write(ok(`member ${index}`))),
      }),
    ),
  );
  t.after(() => Promise.all(members.map((member) => member.close())));
  const config = (urls: readonly number[]): string => `[server]
http_mode = "serve"
h2c = true
[upstream.app]
urls = [${urls.map((index) => `"http://127.0.0.1:${members[index]!.port}"`)}]
health = { interval_ms = 0 }
load_balancing = "round_robin"
[upstream.app.sticky]
cookie = "keep"
${sticky}
${tables}
[[route]]
path = "/{*rest}"
upstream = "app"
waf = false
${route}
`;
  const edge = await startEdge(config([0, 1, 2]));
  t.after(() => edge.stop());
  return { edge, members, config };
}

const get = (cookie = "", path = "/"): string =>
  `GET ${path} HTTP/1.1\r\nHost: a.test\r\n${cookie === "" ? "" : `Cookie: ${cookie}\r\n`}\r\n`;

/** `keep=…` of an answer; undefined = it sets none. */
const given = (answer: RawAnswer): string | undefined =>
  /^keep=[^;]+/.exec(field(answer, "set-cookie") ?? "")?.[0];

test("a client keeps to the member that answered it first, and members do not see its cookie", async (t) => {
  const { edge, members } = await start(t);
  const first = await ask(edge.port, get());
  const cookie = given(first)!;
  assert.match(
    fieldAll(first, "set-cookie").join(),
    /^keep=[\w-]{38}; Path=\/; Max-Age=86400; SameSite=Lax; HttpOnly$/,
  );
  assert.equal(field(first, "cache-control"), "private");
  for (let i = 0; i < 6; i++) {
    const again = await ask(edge.port, get(`a=1; ${cookie}; b=2`));
    assert.equal(again.body.toString(), first.body.toString());
    assert.deepEqual([given(again), field(again, "cache-control")], [undefined, undefined]);
  }
  const kept = members[Number(first.body.toString().at(-1))]!;
  assert.deepEqual(
    kept.requests.slice(1).map(({ fields }) => fields.filter(([name]) => name === "cookie")),
    Array(6).fill([["cookie", "a=1; b=2"]]),
  );
  assert.equal(edge.metric("zion_upstream_sticky_total", "hit"), 6);
  assert.equal(edge.metric("zion_upstream_sticky_total", "none"), 1);
});

test("clients without a cookie are balanced as ever", async (t) => {
  const { edge } = await start(t);
  const seen = new Set<string>();
  for (let i = 0; i < 3; i++) seen.add((await ask(edge.port, get())).body.toString());
  assert.equal(seen.size, 3);
});

test("a forged, foreign or odd cookie counts for nothing and is replaced", async (t) => {
  const { edge } = await start(t);
  const cookie = given(await ask(edge.port, get()))!;
  const last = cookie.at(-2) === "A" ? "B" : "A";
  const bad = [
    `${cookie.slice(0, -2)}${last}${cookie.at(-1)}`,
    "keep=",
    "keep",
    `keep=${"A".repeat(38)}`,
    `keep=${"A".repeat(4000)}`,
    "keep=member 0",
  ];
  for (const one of bad) {
    const answer = await ask(edge.port, get(one));
    assert.equal(answer.status, 200);
    assert.ok(given(answer) !== undefined && given(answer) !== one, one);
  }
  // A word without `=` is no cookie of that name.
  assert.equal(edge.metric("zion_upstream_sticky_total", "refused"), bad.length - 1);
});

test("a member that went away, or cannot be reached, gives its clients to others", async (t) => {
  const { edge, members, config } = await start(t);
  const first = await ask(edge.port, get());
  const gone = Number(first.body.toString().at(-1));
  const cookie = given(first)!;
  await members[gone]!.close();
  const moved = await ask(edge.port, get(cookie));
  assert.equal(moved.status, 200);
  const second = given(moved)!;
  assert.notEqual(moved.body.toString(), first.body.toString());
  assert.equal((await ask(edge.port, get(second))).body.toString(), moved.body.toString());
  assert.ok(edge.metric("zion_upstream_sticky_total", "moved") >= 1);

  edge.reload(config([0, 1, 2].filter((index) => index !== gone).toReversed()));
  assert.equal((await ask(edge.port, get(second))).body.toString(), moved.body.toString());
  const again = await ask(edge.port, get(cookie));
  assert.deepEqual([again.status, given(again) === undefined], [200, false]);
});

test("the cookie goes upstream where that is asked for", async (t) => {
  const { edge, members } = await start(t, { sticky: "forward = true" });
  const first = await ask(edge.port, get());
  const cookie = given(first)!;
  await ask(edge.port, get(cookie));
  const { fields } = members[Number(first.body.toString().at(-1))]!.requests[1]!;
  assert.deepEqual(
    fields.filter(([name]) => name === "cookie"),
    [["cookie", cookie]],
  );
});

test("clients of HTTP/2 keep to their member, too", async (t) => {
  const { edge } = await start(t);
  const session = http2.connect(`http://127.0.0.1:${edge.port}`);
  t.after(() => session.destroy());
  const h2 = async (fields: http2.OutgoingHttpHeaders): Promise<[string, http2.IncomingHttpHeaders]> => {
    const stream = session.request({ ":path": "/", ":authority": "a.test", ...fields });
    const [head] = (await once(stream, "response")) as [http2.IncomingHttpHeaders];
    let body = "";
    for await (const piece of stream) body += String(piece);
    return [body, head];
  };
  const [body, head] = await h2({});
  const cookie = /^keep=[^;]+/.exec(head["set-cookie"]![0]!)![0];
  for (let i = 0; i < 4; i++) {
    // A crumb for each cookie (RFC 9113 §8.2.3), as browsers send them.
    const [again, kept] = await h2({ cookie: ["a=1", cookie, "b=2"] });
    assert.deepEqual([again, kept["set-cookie"]], [body, undefined]);
  }
  assert.equal((await ask(edge.port, get(cookie))).body.toString(), body);
});

test("a WebSocket opens at the client's member, and its handshake can set the cookie", async (t) => {
  const { edge, members } = await start(t, { route: 'mode = "websocket"' }, () => accepting);
  const client = await connect(edge.port);
  t.after(() => client.destroy());
  client.send(handshake());
  const first = (await client.answer())!;
  assert.deepEqual([first.status, field(first, "cache-control")], [101, undefined]);
  const cookie = given(first)!;
  const taken = members.findIndex(({ requests }) => requests.length === 1);
  for (let i = 0; i < 3; i++) {
    const another = await connect(edge.port);
    t.after(() => another.destroy());
    another.send(handshake(`Cookie: ${cookie}`));
    assert.equal((await another.answer())!.status, 101);
  }
  assert.deepEqual(
    members.map(({ requests }) => requests.length),
    [0, 1, 2].map((index) => (index === taken ? 4 : 0)),
  );
});

test("a client that a split sent to an upstream stays there, and each upstream has its own cookie", async (t) => {
  const next = await startOrigin({
    script: async (_request, { socket }) => void socket.write(ok("next")),
  });
  t.after(() => next.close());
  const { edge } = await start(t, {
    tables: `[upstream.next]\nurl = "http://127.0.0.1:${next.port}"\nhealth = { interval_ms = 0 }\n[upstream.next.sticky]`,
    route:
      '[[route.split]]\nupstream = "next"\nweight = 50\n[[route.split]]\nupstream = "next"\nheader = "x-next"',
  });
  const cookies = new Map<boolean, string>();
  for (let i = 0; cookies.size < 2 && i < 200; i++) {
    const answer = await ask(edge.port, get());
    const cookie = field(answer, "set-cookie")!.split(";")[0]!;
    cookies.set(answer.body.toString() === "next", cookie);
  }
  assert.match(cookies.get(true)!, /^zion_sticky_[0-9a-f]{6}=/);
  for (let i = 0; i < 20; i++)
    for (const [isNext, cookie] of cookies)
      assert.equal((await ask(edge.port, get(cookie))).body.toString() === "next", isNext);
  // What a field asks for counts more.
  const asked = await ask(
    edge.port,
    `GET / HTTP/1.1\r\nHost: a.test\r\nX-Next: 1\r\nCookie: ${cookies.get(false)}\r\n\r\n`,
  );
  assert.equal(asked.body.toString(), "next");
});
