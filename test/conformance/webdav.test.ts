import assert from "node:assert/strict";
import { test } from "node:test";
import { head, openFrames, request } from "../support/h2-frames.ts";
import { ask, field } from "../support/raw-client.ts";
import { startBench } from "./bench.ts";

// Methods of WebDAV and what builds on it: served where a route names them.

const methods = [
  ..."PROPFIND PROPPATCH MKCOL COPY MOVE LOCK UNLOCK REPORT SEARCH ACL MKCALENDAR MKACTIVITY CHECKOUT MERGE".split(
    " ",
  ),
];

const plain = (method: string, ...fields: string[]): string =>
  `${method} /dav/a HTTP/1.1\r\nHost: a.test\r\n${fields.map((line) => `${line}\r\n`).join("")}\r\n`;

test("a route that names methods of WebDAV serves them, over HTTP/1.1 and HTTP/2", async (t) => {
  const { edge, origin } = await startBench(t, {
    tlsNames: ["localhost"],
    route: `methods = ["GET", ${methods.map((method) => `"${method}"`).join(", ")}]`,
    waf: true,
  });
  const client = await openFrames(edge.tlsPort);
  t.after(() => client.end());
  for (const [n, method] of methods.entries()) {
    const answer = await ask(
      edge.port,
      plain(method, "Depth: 1", "Destination: https://a.test/dav/b", "If: (<opaquelocktoken:e71d4fae-5dec>)"),
    );
    assert.equal(answer.status, 200, method);
    client.send(request(1 + 2 * n, head(method, "/dav/a", ["depth", "1"])));
    assert.equal(await client.outcome(1 + 2 * n), "200", method);
  }
  assert.deepEqual(
    origin.requests.map(({ method }) => method),
    methods.flatMap((method) => [method, method]),
  );
  assert.ok(origin.requests[0]!.fields.some(([name, value]) => name === "depth" && value === "1"));
  const post = await ask(edge.port, plain("POST", "Content-Length: 0"));
  assert.equal(post.status, 405);
  assert.equal(field(post, "allow"), ["GET", "HEAD", ...methods].join(", "));
});

test("a route that names none serves the seven that are common", async (t) => {
  const { edge, origin } = await startBench(t);
  for (const method of methods) {
    const answer = await ask(edge.port, plain(method));
    assert.equal(answer.status, 405, method);
    assert.equal(field(answer, "allow"), "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
  }
  assert.equal((await ask(edge.port, plain("BREW"))).status, 501);
  assert.equal(origin.requests.length, 0);
});

test("what a method of WebDAV sends is inspected as any body", async (t) => {
  const { edge, origin } = await startBench(t, { route: `methods = ["PROPFIND"]`, waf: true });
  const body = (inner: string): string =>
    `<?xml version="1.0"?><d:propfind xmlns:d="DAV:"><d:prop>${inner}</d:prop></d:propfind>`;
  const send = async (inner: string): Promise<number> => {
    const text = body(inner);
    const answer = await ask(
      edge.port,
      `${plain("PROPFIND", "Content-Type: application/xml; charset=utf-8", `Content-Length: ${text.length}`)}${text}`,
    );
    return answer.status;
  };
  assert.equal(await send("<d:getetag/><d:resourcetype/>"), 200);
  assert.equal(await send("<d:displayname>' or 5-- -</d:displayname>"), 400);
  assert.equal(origin.requests.length, 1);
});
