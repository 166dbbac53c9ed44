import assert from "node:assert/strict";
import { once } from "node:events";
import http2 from "node:http2";
import net from "node:net";
import { test } from "node:test";
import { page, requestText, startCachedRoute } from "./cached-route.ts";

const MIB = 1_048_576;
const piece = Buffer.alloc(MIB, "x");

/** Sends so many MiB as fast as they are taken. */
async function pour(socket: NodeJS.WritableStream, mebibytes: number, chunked: boolean): Promise<void> {
  for (let i = 0; i < mebibytes; i++) {
    if (chunked) socket.write(`${MIB.toString(16)}\r\n`);
    const more = socket.write(piece);
    if (chunked) socket.write("\r\n");
    if (!more) await once(socket, "drain");
  }
  if (chunked) socket.write("0\r\n\r\n");
}

for (const chunked of [false, true])
  test(`an object that is larger than may be stored passes in a window, ${chunked ? "its length not known" : "its length known"}`, async (t) => {
    const mebibytes = process.env["ZION_FULL"] === "1" ? 1024 : 96;
    const { edge, origin } = await startCachedRoute(t, () => undefined, { profile: "max_object_mb = 2" });
    origin.script = async (_, { socket }) => {
      const framing = chunked ? "Transfer-Encoding: chunked" : `Content-Length: ${mebibytes * MIB}`;
      socket.write(`HTTP/1.1 200 OK\r\nCache-Control: max-age=600\r\n${framing}\r\n\r\n`);
      await pour(socket, mebibytes, chunked);
    };
    const response = await fetch(`http://127.0.0.1:${edge.port}/`);
    let bytes = 0;
    let highest = 0;
    for await (const part of response.body!) {
      bytes += part.length;
      highest = Math.max(highest, edge.metric("zion_cache_bytes"));
    }
    assert.equal(bytes, mebibytes * MIB);
    // What may be stored, a window behind it, and what one read brings.
    assert.ok(highest < 5 * MIB, `${highest} bytes were held`);
    assert.equal(edge.metric("zion_cache_bytes"), 0);
    assert.equal(edge.metric("zion_cache_entries"), 0);
    assert.equal(edge.metric(chunked ? "zion_cache_discarded_total" : "zion_cache_unstorable_total"), 1);
  });

test("a slow client of a stored answer is not hurried, and the answer is held and counted until it has it all", async (t) => {
  const { edge, origin, get } = await startCachedRoute(t, () => undefined, {
    server: "cache_max_memory_mb = 12",
    profile: "max_object_mb = 10",
  });
  origin.script = async ({ target }, { socket }) => {
    socket.write(
      `HTTP/1.1 200 OK\r\nCache-Control: max-age=600\r\nContent-Length: ${8 * MIB}\r\nX-Of: ${target}\r\n\r\n`,
    );
    await pour(socket, 8, false);
  };
  assert.equal((await get("/one")).body.length, 8 * MIB);
  const slow = net.connect(edge.port, "127.0.0.1");
  t.after(() => slow.destroy());
  slow.write(requestText("/one"));
  // The head is here, and what the kernel takes of the body; nobody reads on.
  await once(slow, "readable");
  // Another one takes its place, while it is being read.
  assert.equal((await get("/two")).body.length, 8 * MIB);
  assert.ok(edge.metric("zion_cache_bytes") <= 15 * MIB);
  assert.ok(edge.metric("zion_cache_bytes") >= 8 * MIB, "what is still read is still counted");
  let text = "";
  for await (const part of slow) {
    text += (part as Buffer).toString("latin1");
    if (text.length >= text.indexOf("\r\n\r\n") + 4 + 8 * MIB) break;
  }
  assert.match(text, /X-Of: \/one\r\n[\s\S]*X-Zion-Cache: HIT\r\n/);
});

test("HTTP/2 clients share what HTTP/1 clients had stored", async (t) => {
  const { edge, get, origin } = await startCachedRoute(t, () =>
    page("body", "Cache-Control: max-age=600", 'ETag: "v"'),
  );
  await get("/", { Host: `127.0.0.1:${edge.port}` });
  const session = http2.connect(`http://127.0.0.1:${edge.port}`);
  t.after(() => session.destroy());
  const ask = async (headers: http2.OutgoingHttpHeaders): Promise<readonly [number, string, string]> => {
    const stream = session.request({ ":path": "/", ...headers });
    const [answer] = (await once(stream, "response")) as [http2.IncomingHttpHeaders];
    let text = "";
    for await (const part of stream) text += part;
    return [Number(answer[":status"]), text, String(answer["x-zion-cache"])];
  };
  assert.deepEqual(await ask({}), [200, "body", "HIT"]);
  assert.deepEqual(await ask({ "if-none-match": '"v"' }), [304, "", "HIT"]);
  assert.deepEqual(await ask({ range: "bytes=1-2" }), [206, "od", "HIT"]);
  assert.deepEqual(await ask({ ":method": "HEAD" }), [200, "", "HIT"]);
  assert.equal(origin.requests.length, 1);
});
