import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import http from "node:http";
import https from "node:https";
import { test } from "node:test";
import { startBench } from "./bench.ts";

/** Sends `body` and resolves with the whole answer. */
function post(port: number, secure: boolean, body: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const options = { port, host: "127.0.0.1", method: "POST", path: "/echo", rejectUnauthorized: false };
    const request = (secure ? https : http).request(options, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () => resolve(Buffer.concat(chunks)));
      response.on("error", reject);
    });
    request.on("error", reject);
    request.end(body);
  });
}

const digest = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");

// Each way of reading, on plain and TLS connections, carries every byte: shared buffers are used again at once, so a
// missing copy shows as foreign bytes.
for (const sharedReads of [true, false]) {
  for (const secure of [false, true]) {
    const how = `${sharedReads ? "the shared read buffer" : "data events"} over ${secure ? "TLS" : "plain TCP"}`;
    test(`echoes bodies of all sizes byte for byte through ${how}`, async (t) => {
      const { edge } = await startBench(t, {
        sharedReads,
        ...(secure ? { tlsNames: [] } : {}),
        script: async (request, connection) => {
          const body = await request.body;
          connection.socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n`);
          connection.socket.write(body);
        },
      });
      const port = secure ? edge.tlsPort : edge.port;
      const sizes = [1, 1023, 16_384, 16_385, 65_536, 70_000, 1_000_003, 4_000_001];
      const bodies = sizes.map((size) => randomBytes(size));
      const answers = await Promise.all(bodies.map((body) => post(port, secure, body)));
      answers.forEach((answer, index) => {
        assert.equal(digest(answer), digest(bodies[index]!), `${sizes[index]} bytes`);
      });
    });
  }
}
