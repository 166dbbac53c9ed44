import assert from "node:assert/strict";
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { connect } from "node:tls";
import { certificateFor } from "../listener/tls-front.ts";
import { config, type Gateway, request, startGateway, startUpstream } from "./gateway.ts";

const onLinux = { skip: process.platform === "linux" ? false : "reads /proc and needs reusePort" };
const token = "0123456789abcdef0123456789abcdef";
/** `npm run prove:tls` does a thousand. */
const swaps = Number(process.env["ZION_TLS_SWAPS"] ?? 50);
const clients = 4;
/** kB of a worker for each swap, over the second half; only many swaps say something. */
const slopeMaxKb = 1;

test(
  `a certificate that is replaced ${swaps} times under load fails no handshake and leaks nothing`,
  onLinux,
  async (t) => {
    const upstream = await startUpstream(t);
    const first = certificateFor("localhost");
    const gateway = await startGateway(t, {
      toml: config(
        upstream.port,
        ["workers = 2", 'listen_https = "127.0.0.1:0"', "keepalive_requests = 1"],
        '[tls]\ncert_path = "tls.crt"\nkey_path = "tls.key"',
      ).replace(
        '[admin]\nlisten = "127.0.0.1:0"',
        '[admin]\nlisten = "127.0.0.1:0"\nwrite_token_env = "ZION_TEST_TOKEN"',
      ),
      files: { "tls.crt": first.certPem, "tls.key": first.keyPem },
      environment: { ZION_TEST_TOKEN: token },
    });
    const seen = new Set<string>();
    const failures: string[] = [];
    let handshakes = 0;
    let isOver = false;
    const client = async () => {
      while (!isOver) {
        try {
          seen.add(await visit(gateway.httpsPort));
          handshakes++;
        } catch (cause) {
          failures.push(String(cause));
        }
      }
    };
    const load = Array.from({ length: clients }, client);
    const samples: (readonly [swap: number, kb: number])[] = [];
    let fingerprint = "";
    for (let swap = 1; swap <= swaps; swap++) {
      const { certPem, keyPem } = certificateFor("localhost");
      replace(gateway, "tls.crt", certPem);
      replace(gateway, "tls.key", keyPem);
      const { status } = await request(gateway.adminPort, "/v1/reload", {
        method: "POST",
        headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json", Host: "localhost" },
      });
      // Whoever watches the files may have been faster, and may have seen half of it.
      assert.equal(status, 200);
      if (swap % 5 === 0) samples.push([swap, rssKb(gateway)]);
      if (swap === swaps) fingerprint = await visit(gateway.httpsPort);
    }
    isOver = true;
    await Promise.all(load);
    const slope = slopeOf(samples.slice(samples.length / 2));
    t.diagnostic(
      `${handshakes} handshakes, ${failures.length} failed, ${seen.size} certificates seen, RSS of the workers ` +
        `${samples[0]![1]} to ${samples.at(-1)![1]} kB, ${slope.toFixed(2)} kB for each swap and worker over the second half`,
    );
    assert.deepEqual(failures, []);
    assert.ok(seen.has(fingerprint));
    assert.ok(seen.size > Math.min(swaps, 10));
    if (swaps >= 1000) assert.ok(slope < slopeMaxKb, `${slope} kB`);
  },
);

function replace(gateway: Gateway, name: string, text: string): void {
  const path = join(gateway.directory, name);
  writeFileSync(`${path}.new`, text, { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

/** One full handshake and one request; the certificate's fingerprint. */
function visit(port: number): Promise<string> {
  return new Promise((done, failed) => {
    let fingerprint = "";
    let text = "";
    const socket = connect({ host: "127.0.0.1", port, rejectUnauthorized: false }, () => {
      fingerprint = socket.getPeerX509Certificate()!.fingerprint256;
      socket.write("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    });
    socket.setTimeout(20_000, () => socket.destroy(new Error("no answer in 20 s")));
    socket.on("data", (chunk: Buffer) => (text += chunk.toString("latin1")));
    socket.on("error", failed);
    socket.on("close", () =>
      text.startsWith("HTTP/1.1 200") ? done(fingerprint) : failed(new Error(`answer: ${text.slice(0, 40)}`)),
    );
  });
}

/** Mean of the workers. */
function rssKb(gateway: Gateway): number {
  const workers = gateway.workers();
  const sizes = workers.map((pid) =>
    Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))![1]),
  );
  return Math.round(sizes.reduce((sum, kb) => sum + kb, 0) / sizes.length);
}

/** Least squares. */
function slopeOf(points: readonly (readonly [number, number])[]): number {
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [x, y] = [mean(points.map(([at]) => at)), mean(points.map(([, kb]) => kb))];
  const over = points.reduce((sum, [at, kb]) => sum + (at - x) * (kb - y), 0);
  return over / points.reduce((sum, [at]) => sum + (at - x) ** 2, 0);
}
