import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { readdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { type TestContext, test } from "node:test";
import { connect } from "node:tls";
import { startAcmeFront } from "../support/acme-front.ts";
import { freePort } from "../support/free-port.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";
import { noPebble, type Pebble, startPebble } from "../support/pebble.ts";
import { stateDirectory } from "./desk-case.ts";

// Whole gateways with a real CA: Debian's pebble comes to their own listeners.

const options = { skip: noPebble, timeout: 55_000 };

interface Place {
  readonly httpPort: number;
  readonly tlsPort: number;
  /** Of `[tls.acme]`. */
  readonly directory: string;
}

async function newPlace(): Promise<Place> {
  return { httpPort: await freePort(), tlsPort: await freePort(), directory: stateDirectory() };
}

/** With certificates of this CA for a.test and b.test by http-01, and for c.test by tls-alpn-01 if `both`. */
function start(
  t: TestContext,
  { httpPort, tlsPort, directory }: Place,
  ca: Pick<Pebble, "directoryUrl" | "caPem">,
  both = false,
): Promise<Gateway> {
  const caPath = `${directory}.ca.pem`;
  writeFileSync(caPath, ca.caPem);
  const more = both ? '[[tls.acme.certificate]]\ndomains = ["c.test"]\nchallenge = "tls-alpn-01"\n' : "";
  return startGateway(
    t,
    `[server]
listen_https = "127.0.0.1:${tlsPort}"
shutdown_delay_ms = 0
shutdown_grace_ms = 0
[tls.acme]
state_dir = "${directory}"
directory_url = "${ca.directoryUrl}"
ca_path = "${caPath}"
terms_agreed = true
domains = ["a.test", "b.test"]
${more}
[upstream.app]
url = "http://127.0.0.1:1"
[[route]]
path = "/{*rest}"
upstream = "app"
`,
    { listenPort: httpPort },
  );
}

/** The nth event of this name. */
async function nth(gateway: Gateway, name: string, count: number): Promise<void> {
  while (gateway.log.filter((event) => event["event.name"] === name).length < count)
    await new Promise((resolve) => setTimeout(resolve, 20));
}

/** The certificate that a client gets who trusts this root only; throws where it would not. */
function certificateFor(port: number, host: string, root: string): Promise<X509Certificate> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: "127.0.0.1", port, servername: host, ca: root }, () => {
      const { raw } = socket.getPeerCertificate();
      socket.destroy();
      resolve(new X509Certificate(raw));
    });
    socket.on("error", reject);
  });
}

test("a gateway gets its certificates by http-01 and tls-alpn-01, and serves them", options, async (t) => {
  const place = await newPlace();
  const pebble = await startPebble(t, place);
  const gateway = await start(t, place, pebble, true);
  await nth(gateway, "zion.acme.issued", 2);
  const root = await pebble.root();
  for (const host of ["a.test", "b.test", "c.test"]) {
    // Until the reload is through a self-signed one is served.
    let certificate: X509Certificate | undefined;
    while (certificate === undefined)
      certificate = await certificateFor(place.tlsPort, host, root).catch(() => undefined);
    assert.ok(certificate.checkHost(host, { subject: "never" }), host);
  }
  // The log is written in batches. pebble looks three times for each name.
  const challenged = () =>
    gateway.accessLog().filter((line) => JSON.stringify(line).includes("acme-challenge"));
  while (challenged().length < 6) await new Promise((resolve) => setTimeout(resolve, 20));
  assert.deepEqual(new Set(challenged().map((line) => line["http.response.status_code"])), new Set([200]));
  const ready = await (await fetch(`http://127.0.0.1:${gateway.telemetryPort}/readyz`)).text();
  assert.equal(ready.trim(), "ready");
});

test("a gateway that is killed over an order goes on with it when it is back", options, async (t) => {
  const place = await newPlace();
  const front = await startAcmeFront(t, await startPebble(t, place));
  let isStuck = true;
  const reached = Promise.withResolvers<void>();
  front.handle = (at) => {
    if (!at.startsWith("/certZ/") || !isStuck) return false;
    reached.resolve();
    return true;
  };
  const first = await start(t, place, front);
  const ready = await fetch(`http://127.0.0.1:${first.telemetryPort}/readyz`);
  assert.match(await ready.text(), /^degraded\n.*no certificate yet: a\.test/);
  await reached.promise;
  first.signal("SIGKILL");
  await first.exited;
  assert.deepEqual(readdirSync(path.join(place.directory, "certificates")), []);
  isStuck = false;
  const second = await start(t, place, front);
  await nth(second, "zion.acme.issued", 1);
  assert.equal(front.asked.filter((line) => line === "POST /order-plz").length, 1);
});

test(
  "of two gateways with one directory one orders, the CA may come to the other, and it takes over",
  options,
  async (t) => {
    const [a, b] = [await newPlace(), await newPlace()];
    const shared = { ...b, directory: a.directory };
    // The CA finds the second gateway only.
    const front = await startAcmeFront(t, await startPebble(t, shared));
    const hold = Promise.withResolvers<void>();
    front.handle = async (at) => {
      if (at === "/order-plz") await hold.promise;
      return false;
    };
    const first = await start(t, a, front);
    await first.event("zion.acme.order");
    const second = await start(t, shared, front);
    hold.resolve();
    await nth(first, "zion.acme.issued", 1);
    // Its files are watched by both.
    await second.event("zion.config.reload");
    assert.equal(
      second.log.some((event) => event["event.name"] === "zion.acme.elected"),
      false,
    );
    first.signal("SIGKILL");
    await second.event("zion.acme.elected");
    assert.equal(front.asked.filter((line) => line === "POST /order-plz").length, 1);
  },
);
