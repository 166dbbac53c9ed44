import assert from "node:assert/strict";
import http2 from "node:http2";
import { test } from "node:test";
import { startBench } from "../conformance/bench.ts";
import { reset } from "../support/origin.ts";
import { connect } from "../support/raw-client.ts";

// An upstream that breaks off in the middle, through whatever stands between it and the client.

const CARD = "4539 1488 0343 6467";
const SIZES = [0, 20_000, 400_000];

const setups = {
  compression: { keys: "", table: "[compression]\n" },
  inspection: { keys: "waf", table: '[waf_profile.default]\ninspect_answers = "on"\n' },
  "inspection and compression": {
    keys: "waf",
    table: '[waf_profile.default]\ninspect_answers = "on"\n[compression]\n',
  },
  "a cache": { keys: "cache", table: "[cache_profile.pages]\n" },
  "a cache and compression": { keys: "cache", table: "[cache_profile.pages]\n[compression]\n" },
};

for (const [name, { keys, table }] of Object.entries(setups))
  test(`an answer that breaks off never looks whole behind ${name}`, async (t) => {
    const { edge, origin } = await startBench(t, {
      server: "h2c = true",
      waf: keys === "waf",
      route: keys === "cache" ? 'cache_profile = "pages"' : "",
      tables: table,
    });
    origin.script = ({ target }, { socket }) => {
      const [, framing, size, end] = target.split("/");
      const body = `<p>row ${CARD} of apples</p>\n`.repeat(20_000).slice(0, Number(size));
      const length = framing === "length" ? "Content-Length: 500000" : "Transfer-Encoding: chunked";
      const head = `HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nCache-Control: max-age=60\r\n${length}\r\n\r\n`;
      const bytes =
        framing === "length" ? body : body === "" ? "" : `${body.length.toString(16)}\r\n${body}\r\n`;
      socket.write(head + bytes, () => (end === "fin" ? socket.end() : setTimeout(() => reset(socket), 40)));
    };
    for (const framing of ["length", "chunked"])
      for (const size of SIZES)
        for (const end of ["fin", "rst"]) {
          const path = `/${framing}/${size}/${end}`;
          for (const version of ["1.1", "1.0"]) {
            const client = await connect(edge.port);
            client.send(`GET ${path} HTTP/${version}\r\nHost: a.test\r\nAccept-Encoding: gzip\r\n\r\n`);
            await client.until(() => client.receivedBytes > 0).catch(() => undefined);
            const answer = await client.answer();
            const label = `${path} HTTP/${version}: ${answer?.status} ${answer?.end}`;
            if (answer?.status === 200) {
              if (answer.end === "close") {
                while (!client.closed) await new Promise((done) => setTimeout(done, 2));
                assert.equal(client.error?.code, "ECONNRESET", label);
              } else assert.equal(answer.end, "cut", label);
            } else if (answer !== undefined) assert.ok(answer.status >= 500, label);
            client.destroy();
          }
          const got = await overHttp2(edge.port, path);
          if (got.status === 200) assert.ok(got.code !== 0, `${path} HTTP/2: ended with ${got.code}`);
          else assert.ok(got.status === 0 || got.status >= 500, `${path} HTTP/2: ${got.status}`);
        }
    for (const gauge of [
      "zion_route_in_flight",
      "zion_upstream_in_flight",
      "zion_compression_memory_bytes",
      "zion_answer_held_bytes",
      "zion_cache_bytes",
    ])
      assert.equal(edge.metric(gauge), 0, gauge);
  });

function overHttp2(port: number, path: string): Promise<{ status: number; code: number }> {
  return new Promise((resolve) => {
    const session = http2.connect(`http://127.0.0.1:${port}`);
    session.on("error", () => {});
    const stream = session.request({ ":path": path, "accept-encoding": "gzip" });
    let status = 0;
    stream.on("response", (fields) => {
      status = Number(fields[":status"]);
    });
    stream.on("error", () => {});
    stream.on("data", () => {});
    stream.on("close", () => {
      session.destroy();
      resolve({ status, code: stream.rstCode });
    });
  });
}
