import assert from "node:assert/strict";
import http from "node:http";
import { test } from "node:test";
import { type Gateway, startGateway } from "../support/gateway.ts";
import { ok, startOrigin } from "../support/origin.ts";
import { longForm } from "../support/shared.ts";
import { systemConfig } from "./config.ts";

const MIB = 1 << 20;
/** Several times what the workers may grow by. */
const size = longForm ? 2048 * MIB : 512 * MIB;
const piece = Buffer.alloc(256 * 1024, "0123456789abcdef");
/**
 * What the workers may grow by while it all goes through: buffers and garbage, not the body. 12 to 20 MiB on a calm
 * machine, 41 on one where other tests delay the collections.
 */
const growthMax = 80 * MIB;

test(`an upload of ${size / MIB} MiB with flat memory, by length and in chunks`, async (t) => {
  const origin = await startOrigin({
    keepBodies: false,
    script: async (request, connection) => {
      await request.body;
      connection.socket.write(ok(String(request.bodyBytes())));
    },
  });
  t.after(() => origin.close());
  const gateway = await startGateway(
    t,
    systemConfig(origin.port, { route: "waf = false\nmax_body_mb = 4096" }),
  );
  await upload(gateway.port, 16 * MIB, true);
  for (const chunked of [false, true]) {
    const memory = watchMemory(gateway);
    assert.equal(await upload(gateway.port, size, chunked), String(size));
    const growth = memory.end();
    t.diagnostic(`${chunked ? "chunked" : "by length"}: workers grew by ${Math.round(growth / MIB)} MiB`);
    assert.ok(growth < growthMax, `grew by ${growth / MIB} MiB`);
  }
});

test(`a download of ${size / MIB} MiB with flat memory, to a client slower than the upstream`, async (t) => {
  const origin = await startOrigin({
    script: (request, connection) => {
      const wanted = Number(request.target.slice(1));
      connection.socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${wanted}\r\n\r\n`);
      let sent = 0;
      const more = (): void => {
        while (sent < wanted && !connection.socket.destroyed) {
          sent += piece.length;
          if (!connection.socket.write(piece)) {
            connection.socket.once("drain", more);
            return;
          }
        }
      };
      more();
    },
  });
  t.after(() => origin.close());
  const gateway = await startGateway(t, systemConfig(origin.port));
  await download(gateway.port, 16 * MIB);
  const memory = watchMemory(gateway);
  assert.equal(await download(gateway.port, size), size);
  const growth = memory.end();
  t.diagnostic(`workers grew by ${Math.round(growth / MIB)} MiB`);
  assert.ok(growth < growthMax, `grew by ${growth / MIB} MiB`);
});

function upload(port: number, bytes: number, chunked: boolean): Promise<string> {
  return new Promise((resolve, reject) => {
    const headers = chunked ? { "Transfer-Encoding": "chunked" } : { "Content-Length": bytes };
    const request = http.request(
      { host: "127.0.0.1", port, path: "/up", method: "POST", headers },
      (answer) => {
        let text = "";
        answer.on("data", (part: Buffer) => (text += part.toString()));
        answer.on("end", () => resolve(text));
      },
    );
    request.on("error", reject);
    let sent = 0;
    const more = (): void => {
      while (sent < bytes) {
        sent += piece.length;
        if (!request.write(piece)) {
          request.once("drain", more);
          return;
        }
      }
      request.end();
    };
    more();
  });
}

/** Reads with a pause now and then: the gateway must hold the upstream back. */
function download(port: number, bytes: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const request = http.get({ host: "127.0.0.1", port, path: `/${bytes}`, agent: false }, (answer) => {
      let received = 0;
      let sincePause = 0;
      answer.on("data", (part: Buffer) => {
        received += part.length;
        sincePause += part.length;
        if (sincePause < bytes / 20) return;
        sincePause = 0;
        answer.pause();
        setTimeout(() => answer.resume(), 50);
      });
      answer.on("end", () => resolve(received));
      answer.on("error", reject);
    });
    request.on("error", reject);
  });
}

function watchMemory(gateway: Gateway): { end(): number } {
  const workers = gateway.workers();
  const resident = (): number => workers.reduce((sum, pid) => sum + gateway.rss(pid), 0);
  const before = resident();
  let most = before;
  const timer = setInterval(() => {
    most = Math.max(most, resident());
  }, 50);
  // A failed test must not wait for it.
  timer.unref();
  return {
    end() {
      clearInterval(timer);
      return Math.max(most, resident()) - before;
    },
  };
}
