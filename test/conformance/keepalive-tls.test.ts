import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { type TestContext, test } from "node:test";
import { makeSelfSigned } from "../../src/cert/self-signed.ts";
import { newDirectory } from "../support/directory.ts";
import { startEdge } from "../support/edge.ts";
import { connect } from "../support/raw-client.ts";

const program = `
const { cert, key } = JSON.parse(process.env.PAIR);
const answer = "HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nok";
const server = tls.createServer({ cert, key }, (socket) => {
  socket.setNoDelay(true);
  socket.on("data", () => socket.write(answer)).on("error", () => undefined);
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
`;

/** Answers whatever it reads at once, in a process of its own: so fast that Node has not told of the write yet. */
async function startTlsOrigin(t: TestContext): Promise<{ readonly port: number; readonly ca: string }> {
  const { certPem, keyPem } = makeSelfSigned({ names: ["localhost"], days: 2 });
  const folder = newDirectory("tls-origin");
  const ca = path.join(folder, "ca.pem");
  writeFileSync(ca, certPem);
  const child = spawn(process.execPath, ["-e", program], {
    env: { ...process.env, PAIR: JSON.stringify({ cert: certPem, key: keyPem }) },
    stdio: ["ignore", "pipe", "inherit"],
  });
  t.after(() => child.kill("SIGKILL"));
  const [line] = await once(child.stdout, "data");
  return { port: Number(String(line)), ca };
}

test("connections to an upstream over TLS are kept, however fast it answers", async (t) => {
  const { port, ca } = await startTlsOrigin(t);
  const edge = await startEdge(`
[server]
http_mode = "serve"

[upstream.app]
url = "https://127.0.0.1:${port}"
server_name = "localhost"
ca_path = ${JSON.stringify(ca)}

[[route]]
path = "/{*rest}"
upstream = "app"
waf = false
`);
  t.after(() => edge.stop());
  const clients = await Promise.all(Array.from({ length: 4 }, () => connect(edge.port)));
  t.after(() => {
    for (const client of clients) client.destroy();
  });
  for (let turn = 0; turn < 100; turn++) {
    for (const client of clients) client.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n");
    for (const client of clients) assert.equal((await client.answer())?.status, 200);
  }
  assert.ok(edge.metric("zion_upstream_connections_opened_total", "app") <= 4);
});
