import assert from "node:assert/strict";
import { test } from "node:test";
import tls from "node:tls";
import { startGateway } from "../support/gateway.ts";
import { ok, startOrigin } from "../support/origin.ts";
import { systemConfig } from "./config.ts";

const count = 1300;

/** One TLS connection with one answered request; it stays open. */
function openIdle(port: number, group: string): Promise<tls.TLSSocket> {
  return new Promise((resolve, reject) => {
    const options = { port, host: "127.0.0.1", rejectUnauthorized: false, ecdhCurve: group };
    const socket = tls.connect(options, () => socket.write("GET /x HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    socket.once("data", () => resolve(socket));
    socket.once("error", reject);
  });
}

// OpenSSL's secure heap held the ephemeral key of every live connection: 64 KiB of it ended a worker's 1,016th.
for (const group of ["X25519", "prime256v1"]) {
  test(`one worker holds ${count} TLS connections whose keys are ${group}`, async (t) => {
    const origin = await startOrigin({
      script: (request, connection) => void connection.socket.write(ok(request.target)),
    });
    t.after(() => origin.close());
    const config = systemConfig(origin.port).replace("workers = 2", "workers = 1");
    const gateway = await startGateway(t, config, { tls: true });
    const open: tls.TLSSocket[] = [];
    t.after(() => {
      for (const socket of open) socket.destroy();
    });
    while (open.length < count) {
      open.push(...(await Promise.all(Array.from({ length: 50 }, () => openIdle(gateway.tlsPort, group)))));
    }
    assert.equal(open.filter((socket) => socket.readyState === "open").length, count);
  });
}
