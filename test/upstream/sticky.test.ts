import assert from "node:assert/strict";
import { test } from "node:test";
import type { StickyConfig } from "../../src/config/config.ts";
import { readHead } from "../../src/http/head.ts";
import { CanonicalRequest } from "../../src/http/request.ts";
import { ResponseHead, readResponseHead } from "../../src/http/response-head.ts";
import { Sticky } from "../../src/upstream/sticky.ts";

const config: StickyConfig = {
  cookie: "keep",
  ttlSecs: 3600,
  path: "/",
  secure: undefined,
  httpOnly: true,
  sameSite: "Lax",
  forward: false,
  key: undefined,
};
const members = [{ url: "http://10.0.0.1:80" }, { url: "http://10.0.0.2:80" }] as const;
const limits = {
  headBytesMax: 16_384,
  fieldsMax: 100,
  valueBytesMax: 8192,
  targetBytesMax: 8192,
  queryParamsMax: 100,
  path: { encodeRawChars: false, segmentsMax: 64 },
};

/** One upstream at a time that the test sets. */
function start(more: Partial<StickyConfig> = {}) {
  const ground = { stickyRoot: Buffer.alloc(32, 7), nowMs: 1_800_000_000_000, wallMs: () => ground.nowMs };
  const sticky = new Sticky("app", { ...config, ...more }, members, ground);
  return { ground, sticky };
}

function requestWith(cookie: string, secure = false): CanonicalRequest {
  const head = Buffer.from(
    `GET / HTTP/1.1\r\nHost: a.test\r\n${cookie === "" ? "" : `Cookie: ${cookie}\r\n`}\r\n`,
  );
  const request = new CanonicalRequest();
  assert.ok(readHead(head, 0, head.length, request, limits) > 0);
  request.secure = secure;
  return request;
}

function answerWith(fields = "", status = 200): ResponseHead {
  const head = new ResponseHead();
  const text = Buffer.from(`HTTP/1.1 ${status} X\r\n${fields}\r\n`);
  assert.ok(readResponseHead(text, 0, text.length, true, head) > 0);
  return head;
}

/** The cookie that a client gets which was answered by this member; "" = none. */
function given(
  sticky: Sticky<{ readonly url: string }>,
  member: (typeof members)[number],
  cookie = "",
): string {
  const request = requestWith(cookie);
  const head = answerWith();
  sticky.answer(head, request, member, sticky.take(request));
  return /keep=[^;]+/.exec(head.addedLines)?.[0] ?? "";
}

test("a cookie is renewed when half of its time is over, and good for nothing at its end", () => {
  const { sticky, ground } = start();
  const first = given(sticky, members[1]);
  assert.equal(sticky.take(requestWith(first)).member, members[1]);
  ground.nowMs += 1700_000;
  assert.equal(given(sticky, members[1], first), "");
  ground.nowMs += 200_000;
  const second = given(sticky, members[1], first);
  assert.notEqual(second, "");
  assert.notEqual(second, first);
  ground.nowMs += 1800_000;
  assert.equal(sticky.take(requestWith(first)).member, undefined);
  assert.equal(sticky.holds(requestWith(first)), false);
  assert.equal(sticky.take(requestWith(second)).member, members[1]);
  assert.deepEqual(sticky.counts, { hit: 2, none: 1, moved: 0, expired: 1, refused: 0 });
});

test("clients of a member have the same cookie within a minute", () => {
  const { sticky, ground } = start();
  const cookies = new Set<string>();
  for (let second = 0; second < 600; second++, ground.nowMs += 1000) cookies.add(given(sticky, members[0]));
  assert.ok(cookies.size <= 11, `${cookies.size}`);
});

test("members keep their tickets whatever their order, and under one key only", () => {
  const { sticky, ground } = start();
  const cookie = given(sticky, members[1]);
  const turned = new Sticky("app", config, [...members].reverse(), ground);
  assert.equal(turned.take(requestWith(cookie)).member, members[1]);
  const shrunk = new Sticky("app", config, [members[0]], ground);
  assert.deepEqual(
    [shrunk.take(requestWith(cookie)).member, shrunk.holds(requestWith(cookie))],
    [undefined, false],
  );
  const others = new Sticky("other", config, members, ground);
  const rekeyed = new Sticky(
    "app",
    { ...config, key: Buffer.alloc(32, 8).toString("base64url") },
    members,
    ground,
  );
  for (const foreign of [others, rekeyed]) {
    assert.equal(foreign.take(requestWith(cookie)).member, undefined);
    assert.equal(foreign.counts.refused, 1);
  }
});

test("answers that a shared cache is invited to keep carry no cookie, others become private", () => {
  const cases: readonly (readonly [fields: string, cookie: boolean, isPrivate: boolean])[] = [
    ["", true, true],
    ["Cache-Control: no-cache\r\n", true, true],
    ["Cache-Control: max-age=0, must-revalidate\r\n", true, true],
    ["Cache-Control: private, max-age=60\r\n", true, false],
    ["Cache-Control: max-age=60\r\nCache-Control: no-store\r\n", true, false],
    ['Cache-Control: private="x-a", max-age=60\r\n', false, false],
    ["cache-control: public\r\n", false, false],
    ["Cache-Control: no-cache, S-MaxAge=5\r\n", false, false],
    ["Expires: Thu, 01 Dec 2033 16:00:00 GMT\r\n", false, false],
    ["CDN-Cache-Control: max-age=600\r\n", false, false],
    ["Surrogate-Control: max-age=600\r\n", false, false],
  ];
  for (const [fields, cookie, isPrivate] of cases) {
    const { sticky } = start();
    const request = requestWith("");
    const head = answerWith(fields);
    sticky.answer(head, request, members[0], sticky.take(request));
    assert.deepEqual(
      [head.addedLines.includes("Set-Cookie: keep="), head.addedLines.includes("Cache-Control: private\r\n")],
      [cookie, isPrivate],
      fields,
    );
  }
  const { sticky } = start();
  const request = requestWith("");
  const head = answerWith();
  head.addedLines = "Cache-Control: public, max-age=5\r\n";
  sticky.answer(head, request, members[0], sticky.take(request));
  assert.equal(head.addedLines, "Cache-Control: public, max-age=5\r\n");
});

test("a member that cannot answer is nobody's, and its cookie is for TLS where the request was", () => {
  for (const status of [502, 503, 504]) {
    const { sticky } = start();
    const request = requestWith("");
    const head = answerWith("", status);
    sticky.answer(head, request, members[0], sticky.take(request));
    assert.equal(head.addedLines, "");
  }
  for (const [secure, asked, isSecure] of [
    [undefined, true, true],
    [undefined, false, false],
    [false, true, false],
    [true, false, true],
  ] as const) {
    const { sticky } = start({ secure, path: "/shop", sameSite: "None", httpOnly: false });
    const request = requestWith("", asked);
    const head = answerWith("Cache-Control: no-store\r\n");
    sticky.answer(head, request, members[0], sticky.take(request));
    assert.match(
      head.addedLines,
      isSecure
        ? /^Set-Cookie: keep=[\w-]{38}; Path=\/shop; Max-Age=3600; SameSite=None; Secure\r\n$/
        : /^Set-Cookie: keep=[\w-]{38}; Path=\/shop; Max-Age=3600; SameSite=None\r\n$/,
    );
  }
});
