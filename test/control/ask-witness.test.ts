import assert from "node:assert/strict";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import { askWitness } from "../../src/control/ask-witness.ts";

/** A witness that answers with this. Resolves with its URL. */
async function startWitness(t: TestContext, answer: http.RequestListener): Promise<string> {
  const server = http.createServer(answer);
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const limits = { bytesMax: 10_000, deadlineMs: 10_000 };

test("a witness is posted a body, and its answer is read to the end", async (t) => {
  const url = await startWitness(t, (request, answer) => {
    let body = "";
    request.on("data", (part) => (body += part));
    request.on("end", () => answer.writeHead(409).end(`${request.method} ${request.url} ${body}`));
  });
  const reply = await askWitness(`${url}/w/add-checkpoint`, { body: "old 0\n", ...limits });
  assert.deepEqual(reply, { status: 409, body: "POST /w/add-checkpoint old 0\n" });
  assert.equal((await askWitness(`${url}/checkpoints`, limits)).body, "GET /checkpoints ");
});

test("an answer without an end is given up at the limit, and its connection closed", async (t) => {
  const closed = Promise.withResolvers<number>();
  const url = await startWitness(t, (_request, answer) => {
    const part = "— witness.example AAAA\n".repeat(1000);
    let sent = 0;
    const more = (): void => {
      while (!answer.destroyed && answer.write(part)) sent += part.length;
    };
    answer.on("drain", more);
    answer.on("close", () => closed.resolve(sent));
    more();
  });
  await assert.rejects(askWitness(url, { body: "", ...limits }), {
    message: "an answer of more than 10000 bytes",
  });
  assert.ok((await closed.promise) > 0);
});

test("a witness that leads elsewhere is not followed, and nobody there is an error with a reason", async (t) => {
  const url = await startWitness(t, (_request, answer) => answer.writeHead(302, { location: "/b" }).end());
  assert.equal((await askWitness(url, limits)).status, 302);
  await assert.rejects(askWitness("http://127.0.0.1:1", limits), { message: "ECONNREFUSED" });
});
