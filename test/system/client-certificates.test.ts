import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { connect, type TLSSocket } from "node:tls";
import { makeSelfSigned } from "../../src/cert/self-signed.ts";
import { openClientAuthority } from "../support/client-ca.ts";
import { newDirectory } from "../support/directory.ts";
import { freePort } from "../support/free-port.ts";
import { type Gateway, type LogEvent, startGateway } from "../support/gateway.ts";
import { startOrigin } from "../support/origin.ts";
import { hasCommand, needs } from "../support/shared.ts";

// Certificates of clients through real processes: curl, several workers, files that are watched.

const root = openClientAuthority("Root");
const good = root.issue("good");
const doomed = root.issue("doomed");

/** The status that curl gets with this certificate; "000" without an answer. */
function curl(port: number, ...args: readonly string[]): Promise<string> {
  const base = ["-sk", "-o", "/dev/null", "-w", "%{http_code}", "--max-time", "10"];
  return new Promise((done) => {
    execFile("curl", [...base, ...args, `https://localhost:${port}/x`], (_error, stdout) => done(stdout));
  });
}

interface Visit {
  readonly resumed: boolean;
  readonly status: string;
  readonly session: Buffer | undefined;
}

/** With a certificate, or with the ticket that one was given. */
function visit(port: number, how: { cert?: string; key?: string; session?: Buffer }): Promise<Visit> {
  return new Promise((done, failed) => {
    let session: Buffer | undefined;
    let text = "";
    const socket: TLSSocket = connect({
      ...{ host: "127.0.0.1", port, servername: "localhost", rejectUnauthorized: false, ...how },
    });
    socket.on("session", (ticket: Buffer) => {
      session = ticket;
    });
    socket.on("error", failed);
    socket.on("data", (bytes: Buffer) => {
      text += bytes.toString("latin1");
    });
    let resumed = false;
    socket.on("secureConnect", () => {
      resumed = socket.isSessionReused();
      socket.write("GET /x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    });
    socket.on("close", () => done({ resumed, status: text.slice(9, 12), session }));
  });
}

async function until(holds: () => boolean, what: string): Promise<void> {
  const untilMs = Date.now() + 30_000;
  while (!holds()) {
    if (Date.now() > untilMs) throw new Error(`there are not ${what}`);
    await new Promise((done) => setTimeout(done, 50));
  }
}

/** The reloads so far, at least so many. */
async function reloads(gateway: Gateway, count: number): Promise<readonly LogEvent[]> {
  const found = (): readonly LogEvent[] =>
    gateway.log.filter((event) => event["event.name"] === "zion.config.reload");
  await until(() => found().length >= count, `${count} reloads`);
  return found();
}

async function metric(gateway: Gateway, line: RegExp): Promise<number> {
  const answer = await fetch(`http://127.0.0.1:${gateway.telemetryPort}/metrics`);
  return Number(line.exec(await answer.text())?.[1] ?? Number.NaN);
}

test("a list that revokes a client holds for every worker, for its tickets and for curl; a broken one changes nothing", async (t) => {
  if (!needs(t, "curl", hasCommand("curl"))) return;
  const folder = newDirectory("mtls");
  const file = (name: string): string => path.join(folder, name);
  const { certPem, keyPem } = makeSelfSigned({ names: ["localhost"], days: 2 });
  writeFileSync(file("tls.crt"), certPem);
  writeFileSync(file("tls.key"), keyPem, { mode: 0o600 });
  writeFileSync(file("ca.pem"), root.certPem);
  const publish = (text: string): void => {
    writeFileSync(file("next.crl"), text);
    renameSync(file("next.crl"), file("clients.crl"));
  };
  const listOf = (name: string): string => readFileSync(root.crl(name), "latin1");
  publish(listOf("first"));
  const origin = await startOrigin();
  t.after(() => origin.close());
  const tlsPort = await freePort();
  const gateway = await startGateway(
    t,
    `[server]
listen_https = "127.0.0.1:${tlsPort}"
workers = 2
[upstream.app]
url = "http://127.0.0.1:${origin.port}"
[[route]]
path = "/{*rest}"
upstream = "app"
[tls]
cert_path = "${file("tls.crt")}"
key_path = "${file("tls.key")}"
client_auth = "required"
client_ca_path = "${file("ca.pem")}"
client_crl_path = "${file("clients.crl")}"
client_crl_enforce_next_update = true
`,
  );
  const as = ({ certPath, keyPath }: typeof good): string[] => ["--cert", certPath, "--key", keyPath];
  assert.equal(await curl(tlsPort, ...as(good)), "200");
  assert.equal(await curl(tlsPort, ...as(doomed)), "200");
  assert.equal(await curl(tlsPort), "403");
  assert.equal(await curl(tlsPort, "--http1.1"), "403");
  const nextUpdate = await metric(
    gateway,
    /^zion_tls_client_crl_next_update_timestamp_seconds\{name="default"\} (\S+)$/m,
  );
  assert.ok(Math.abs(nextUpdate - Date.now() / 1000 - 5 * 86_400) < 600, String(nextUpdate));

  const { session } = await visit(tlsPort, { cert: doomed.certPem, key: doomed.keyPem });
  for (let i = 0; i < 8; i++) {
    const again = await visit(tlsPort, { session: session! });
    assert.deepEqual([again.resumed, again.status], [true, "200"], "tickets are good at every worker");
  }

  publish("-----BEGIN X509 CRL-----\nnothing\n-----END X509 CRL-----\n");
  const [broken] = await reloads(gateway, 1);
  assert.match(String(broken!["problem"]), /Z1332/);
  assert.equal(await curl(tlsPort, ...as(doomed)), "200", "the last good list is in force");

  root.revoke(doomed);
  publish(listOf("second"));
  const [, loaded] = await reloads(gateway, 2);
  assert.equal(loaded!["problem"], undefined);
  for (let i = 0; i < 8; i++) {
    assert.equal(await curl(tlsPort, ...as(doomed)), "403");
    const again = await visit(tlsPort, { session: session! });
    assert.deepEqual([again.resumed, again.status], [false, "403"], "the keys of tickets were changed, too");
  }
  assert.equal(await curl(tlsPort, ...as(good)), "200");
  assert.equal(await metric(gateway, /^zion_tls_ticket_rotations_total\{by="client_auth"\} (\S+)$/m), 1);
  // Lines are written in batches.
  await until(
    () => gateway.accessLog().filter((line) => line["zion.reason"] === "client_cert_revoked").length === 8,
    "8 lines of the access log",
  );
});
