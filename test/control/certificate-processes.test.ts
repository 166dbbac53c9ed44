import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { connect } from "node:tls";
import type { CertificateConfig } from "../../src/config/config.ts";
import { makeCertificate } from "../cert/peer-certificates.ts";
import { certificateFor } from "../listener/tls-front.ts";
import { hasOpenssl } from "../listener/tls-openssl.ts";
import { newDirectory } from "../support/directory.ts";
import { freePort } from "../support/free-port.ts";
import { resumeShare, takeTicket } from "../support/resumption.ts";
import { config, type Gateway, launcher, startGateway, startUpstream, until } from "./gateway.ts";
import { startResponder } from "./ocsp-responder.ts";

const onLinux = { skip: process.platform === "linux" ? false : "reads /proc and needs reusePort" };
const token = "0123456789abcdef0123456789abcdef";

interface Outcome {
  readonly code: number;
  readonly out: string;
}

/** A gateway with these pairs: the first is the default, the others by name. */
async function start(t: TestContext, pairs: Readonly<Record<string, CertificateConfig>>, workers = 1) {
  const upstream = await startUpstream(t);
  const names = Object.keys(pairs);
  const files = Object.fromEntries(
    names.flatMap((name) => [
      [`${name}.crt`, pairs[name]!.certPem],
      [`${name}.key`, pairs[name]!.keyPem],
    ]),
  );
  const row = (name: string) => `cert_path = "${name}.crt"\nkey_path = "${name}.key"\n`;
  const sni = names.slice(1).map((name) => `[[tls.sni]]\nserver_name = "${name}"\n${row(name)}`);
  const gateway = await startGateway(t, {
    toml: config(
      upstream.port,
      [`workers = ${workers}`, 'listen_https = "127.0.0.1:0"', 'state_dir = "DIRECTORY/state"'],
      `[tls]\n${row(names[0]!)}${sni.join("")}`,
    ).replace(
      '[admin]\nlisten = "127.0.0.1:0"',
      '[admin]\nlisten = "127.0.0.1:0"\nwrite_token_env = "ZION_TEST_TOKEN"',
    ),
    files,
    environment: { ZION_TEST_TOKEN: token },
  });
  const zion = (...args: readonly string[]) =>
    new Promise<Outcome>((resolve) => {
      const env = { ...process.env, ZION_TEST_TOKEN: token };
      const all = [launcher, ...args, "-c", join(gateway.directory, "zion.toml")];
      execFile(process.execPath, all, { env }, (error, out, err) =>
        resolve({ code: error === null ? 0 : Number(error.code), out: out + err }),
      );
    });
  return { gateway, zion, admin: ["--admin", `127.0.0.1:${gateway.adminPort}`] };
}

async function metric(gateway: Gateway, line: RegExp): Promise<string | undefined> {
  return line.exec((await gateway.get("/metrics", gateway.telemetryPort)).body)?.[0];
}

test(
  "a ticket of one worker is good at all four, and at none once tickets are revoked",
  onLinux,
  async (t) => {
    const { gateway, zion, admin } = await start(t, { localhost: certificateFor("localhost") }, 4);
    const session = await takeTicket(gateway.httpsPort);
    assert.equal(await resumeShare(gateway.httpsPort, session, 200), 1);
    assert.deepEqual(await zion("tickets", "revoke", ...admin), {
      code: 0,
      out: "revoked: every client does a full handshake next time\n",
    });
    await until(
      "the workers have the new keys",
      async () => (await resumeShare(gateway.httpsPort, session, 20)) === 0,
    );
    assert.equal(await resumeShare(gateway.httpsPort, session, 200), 0);
    assert.equal(await resumeShare(gateway.httpsPort, await takeTicket(gateway.httpsPort), 200), 1);
    assert.ok(await metric(gateway, /zion_tls_ticket_rotations_total\{by="api"\} 1/));
  },
);

test(
  "zion certs and zion certs check say what a client gets, of the file and of the gateway that runs",
  onLinux,
  async (t) => {
    const { gateway, zion, admin } = await start(t, {
      "a.test": certificateFor("a.test"),
      "*.b.test": certificateFor("*.b.test"),
      "c.test": certificateFor("other.test"),
    });
    for (const source of [[], ["--running", ...admin]]) {
      const list = await zion("certs", ...source);
      assert.equal(list.code, 0, list.out);
      assert.match(
        list.out,
        /^\(default\)\n {2}.*a\.test\.crt\n {4}ECDSA, until .*left.*\n {4}covers DNS:a\.test\n\*\.b\.test\n/,
      );
      const found = await zion("certs", ...source, "check", "x.b.test");
      assert.equal(found.code, 0, found.out);
      assert.match(found.out, /^x\.b\.test: the wildcard \*\.b\.test\n {2}.*\*\.b\.test\.crt\n/);
      const other = await zion("certs", ...source, "check", "c.test");
      assert.equal(other.code, 1);
      assert.match(
        other.out,
        /the server_name c\.test\n[\s\S]*clients will refuse it: it is not made out to c\.test/,
      );
      const unknown = await zion("certs", ...source, "check", "x.y.b.test");
      assert.equal(unknown.code, 1);
      assert.match(unknown.out, /no server_name fits: the default certificate/);
    }
    const gauge = /zion_tls_certificate_not_after_timestamp_seconds\{certificate="\*\.b\.test"\} \d+/;
    assert.ok(await metric(gateway, gauge));
  },
);

test(
  "a handshake carries the CA's answer soon after the start, and a renewed certificate its own",
  onLinux,
  async (t) => {
    if (!hasOpenssl(t)) return;
    const port = await freePort();
    const extensions = [
      "subjectAltName=DNS:a.test",
      `authorityInfoAccess=OCSP;URI:http://127.0.0.1:${port}/`,
    ];
    const ca = makeCertificate({ name: "ca", extensions: ["basicConstraints=critical,CA:TRUE"] });
    const issue = () => {
      const one = makeCertificate({ name: "a.test", issuer: ca, extensions });
      return { ...one, certPem: one.certPem + ca.certPem };
    };
    const [first, second] = [issue(), issue()];
    await startResponder(t, {
      port,
      issuer: ca,
      index: [
        [first, "V"],
        [second, "V"],
      ],
    });
    const { gateway } = await start(t, { "a.test": first });
    const isStapled = async ({ certPem }: CertificateConfig) =>
      (await stapleFrom(gateway.httpsPort))?.includes(new X509Certificate(certPem).serialNumber) === true;
    await until("the first is stapled", () => isStapled(first));
    writeFileSync(join(gateway.directory, "a.test.crt"), second.certPem);
    writeFileSync(join(gateway.directory, "a.test.key"), second.keyPem);
    gateway.signal("SIGHUP");
    await until("the second is stapled", () => isStapled(second));
    assert.ok(await metric(gateway, /zion_tls_ocsp_answers_total\{result="good"\} 2/));
  },
);

/** Hexadecimal digits of the OCSP answer that came with a handshake. */
function stapleFrom(port: number): Promise<string | undefined> {
  return new Promise((done, failed) => {
    const socket = connect({
      host: "127.0.0.1",
      port,
      servername: "a.test",
      requestOCSP: true,
      rejectUnauthorized: false,
    });
    socket.on("error", failed);
    socket.on("OCSPResponse", (answer: Buffer | null) => {
      socket.destroy();
      done(answer?.toString("hex").toUpperCase());
    });
  });
}

test(
  "a start that finds half a renewed pair serves the one from before, and the new one once it is whole",
  onLinux,
  async (t) => {
    const upstream = await startUpstream(t);
    const directory = newDirectory("half");
    const [before, after] = [certificateFor("before.test"), certificateFor("after.test")];
    const at = (file: string) => join(directory, file);
    const write = (file: string, text: string) => writeFileSync(at(file), text, { mode: 0o600 });
    write("tls.crt", before.certPem);
    write("tls.key", before.keyPem);
    const toml = config(
      upstream.port,
      ["workers = 1", 'listen_https = "127.0.0.1:0"', `state_dir = "${at("state")}"`],
      `[tls]\ncert_path = "${at("tls.crt")}"\nkey_path = "${at("tls.key")}"`,
    );
    const stop = async (gateway: Gateway) => {
      gateway.signal("SIGTERM");
      await gateway.exited;
    };
    await stop(await startGateway(t, { toml }));
    const kept = readdirSync(at("state/certificates"));
    assert.equal(kept.length, 1);
    assert.equal(statSync(at(`state/certificates/${kept[0]}`)).mode & 0o777, 0o600);
    assert.equal(statSync(at("state/certificates")).mode & 0o777, 0o700);

    // The certificate is renewed, its key is not there yet.
    write("tls.crt", after.certPem);
    const gateway = await startGateway(t, { toml });
    const warning = await gateway.logged((line) => line["event.name"] === "zion.config.warning");
    assert.match(
      String(warning["msg"]),
      /Z2134 the pair that was served before stands in: .*does not belong/,
    );
    const served = () => nameFrom(gateway.httpsPort);
    assert.equal(await served(), "before.test");
    // What is half written stays refused for whoever asks.
    assert.match((await check(gateway)).out, /Z1303/);
    write("tls.key", after.keyPem);
    await until("the new pair is served", async () => (await served()) === "after.test");
  },
);

test("half a pair without a copy ends the start", onLinux, async (t) => {
  const upstream = await startUpstream(t);
  const { certPem } = certificateFor("a.test");
  const { keyPem } = certificateFor("b.test");
  const gateway = await startGateway(t, {
    toml: config(
      upstream.port,
      ["workers = 1", 'listen_https = "127.0.0.1:0"', 'state_dir = "DIRECTORY/state"'],
      '[tls]\ncert_path = "tls.crt"\nkey_path = "tls.key"',
    ),
    files: { "tls.crt": certPem, "tls.key": keyPem },
    expectServing: false,
  });
  assert.equal(await gateway.exited, 78);
  assert.match(gateway.stderr(), /Z1303/);
});

function check(gateway: Gateway): Promise<Outcome> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [launcher, "check", "-c", join(gateway.directory, "zion.toml")],
      (error, out, err) => resolve({ code: error === null ? 0 : Number(error.code), out: out + err }),
    );
  });
}

/** Common name of the default certificate. */
function nameFrom(port: number): Promise<string> {
  return new Promise((done, failed) => {
    const socket = connect({ host: "127.0.0.1", port, rejectUnauthorized: false });
    socket.on("error", failed);
    socket.on("secureConnect", () => {
      const { subject } = socket.getPeerX509Certificate()!;
      socket.destroy();
      done(subject.replace("CN=", ""));
    });
  });
}
