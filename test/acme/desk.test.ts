import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { makeSelfSigned } from "../../src/cert/self-signed.ts";
import type { Config } from "../../src/config/config.ts";
import { openAcmeFiles } from "../../src/control/acme-files.ts";
import { startAcmeFront } from "../support/acme-front.ts";
import { noPebble, startPebble } from "../support/pebble.ts";
import { hourMs, minuteMs, startDesk, startResponder, stateDirectory } from "./desk-case.ts";

// The desk and its processes with a real CA (Debian's pebble); a front before it, where the CA has to misbehave.

const options = { skip: noPebble, timeout: 50_000 };
const dayMs = 24 * hourMs;

/** Orders that were placed. */
function ordersAt({ asked }: { readonly asked: readonly string[] }): number {
  return asked.filter((line) => line.startsWith("POST /order-plz")).length;
}

test(
  "a certificate is ordered, written with its key in one file, and renewed in the CA's window",
  options,
  async (t) => {
    const responder = await startResponder(t);
    const front = await startAcmeFront(t, await startPebble(t, { httpPort: responder.port, tlsPort: 1 }));
    const windows = [
      { start: "2020-01-01T00:00:00Z", end: "2020-01-02T00:00:00Z" },
      { start: "2090-01-01T00:00:00Z", end: "2090-01-02T00:00:00Z" },
    ];
    front.edit = (at, answer) =>
      at === "/dir"
        ? {
            ...answer,
            body: JSON.stringify({ ...JSON.parse(answer.body), renewalInfo: `${front.origin}/renewal` }),
          }
        : answer;
    front.handle = (at, response) => {
      if (!at.startsWith("/renewal/")) return false;
      const suggestedWindow = windows.shift() ?? windows[0];
      response.writeHead(200, { "content-type": "application/json", "retry-after": "21600" });
      response.end(JSON.stringify({ suggestedWindow }));
      return true;
    };
    const bench = await startDesk(t, responder, { account: front });
    await bench.event("zion.acme.issued");
    const first = bench.files.certificate("a.test")!;
    assert.equal(new X509Certificate(first).subjectAltName, "DNS:a.test");
    for (const name of ["certificates/a.test.pem", "accounts/one.json", "journal.json"])
      assert.equal(statSync(path.join(bench.directory, name)).mode & 0o777, 0o600, name);
    assert.deepEqual(readdirSync(path.join(bench.directory, "orders")), []);

    // The first window is over already: the next look renews at once, and names what it replaces.
    bench.forward(minuteMs);
    await bench.event("zion.acme.issued", 2);
    assert.notEqual(bench.files.certificate("a.test"), first);
    const { keyPem: _, ...placed } = JSON.parse(
      front.payloads.filter(({ path: at }) => at === "/order-plz")[1]!.payload,
    );
    assert.match(placed.replaces, /^[\w-]+\.[\w-]+$/);

    // The second one is far away.
    bench.forward(minuteMs);
    await bench.event("zion.acme.order", 2);
    bench.forward(60 * dayMs);
    assert.deepEqual(bench.counted, ["acmeOrders a.test issued", "acmeOrders a.test issued"]);
    assert.equal(ordersAt(front), 2);
  },
);

test("a certificate that ends soon is renewed, one that does not is left alone", options, async (t) => {
  const responder = await startResponder(t);
  const front = await startAcmeFront(t, await startPebble(t, { httpPort: responder.port, tlsPort: 1 }));
  const directory = stateDirectory();
  const early = await startDesk(t, responder, { account: front, directory });
  await early.event("zion.acme.issued");
  early.desk.stop();
  // From three days ago to in one: less than a third of it is left.
  const { certPem, keyPem } = makeSelfSigned({ names: ["a.test"], days: 3, nowMs: Date.now() - 2 * dayMs });
  early.files.saveCertificate("a.test", keyPem, certPem);
  const bench = await startDesk(t, responder, { account: front, directory });
  assert.equal((await bench.event("zion.acme.order"))["cause"], "renewal");
  await bench.event("zion.acme.issued");
  bench.forward(hourMs);
  assert.equal(bench.count("zion.acme.order"), 1);
  assert.equal(bench.gauges.get("acmeLastSuccess a.test")! > 0, true);
});

test("other names and another kind of key are reasons to order", options, async (t) => {
  const responder = await startResponder(t);
  const pebble = await startPebble(t, { httpPort: responder.port, tlsPort: 1 });
  const bench = await startDesk(t, responder, { account: pebble });
  await bench.event("zion.acme.issued");
  const [certificate] = bench.certificates;
  bench.forward(minuteMs, [{ ...certificate!, domains: ["a.test", "b.test"] }]);
  assert.equal((await bench.event("zion.acme.order", 2))["cause"], "other names");
  await bench.event("zion.acme.issued", 2);
  bench.forward(minuteMs, [{ ...certificate!, keyType: "ecdsa-p384" }]);
  assert.equal((await bench.event("zion.acme.order", 3))["cause"], "another kind of key");
  await bench.event("zion.acme.issued", 3);
  const { publicKey } = new X509Certificate(bench.files.certificate("a.test")!);
  assert.equal(publicKey.asymmetricKeyDetails?.namedCurve, "secp384r1");
});

test("nonces that the CA refuses cost another try each", options, async (t) => {
  const responder = await startResponder(t);
  const pebble = await startPebble(t, { httpPort: responder.port, tlsPort: 1, nonceReject: 25 });
  const bench = await startDesk(t, responder, { account: pebble });
  await bench.event("zion.acme.issued");
});

test("a CA that refuses every nonce is given up after a few tries", options, async (t) => {
  const responder = await startResponder(t);
  const front = await startAcmeFront(t, await startPebble(t, { httpPort: responder.port, tlsPort: 1 }));
  front.handle = (at, response) => {
    if (at !== "/sign-me-up") return false;
    problem(response, 400, "badNonce", { "replay-nonce": "again" });
    return true;
  };
  const bench = await startDesk(t, responder, { account: front });
  assert.equal((await bench.event("zion.acme.failed"))["reason"], "unreachable");
  assert.equal(front.asked.filter((line) => line === "POST /sign-me-up").length, 6);
});

test("a CA that counts is left alone for as long as it says", options, async (t) => {
  const responder = await startResponder(t);
  const front = await startAcmeFront(t, await startPebble(t, { httpPort: responder.port, tlsPort: 1 }));
  let isLimited = true;
  front.handle = (at, response) => {
    if (at !== "/order-plz" || !isLimited) return false;
    problem(response, 429, "rateLimited", { "retry-after": "80000", "replay-nonce": "n" });
    return true;
  };
  const bench = await startDesk(t, responder, { account: front });
  const failed = await bench.event("zion.acme.failed");
  assert.equal(failed["reason"], "rate_limited");
  isLimited = false;
  bench.forward(79_000_000);
  assert.equal(bench.count("zion.acme.order"), 1);
  assert.equal(bench.desk.status().certificates[0]!.last_failure!.reason, "rate_limited");
  bench.forward(1_100_000);
  await bench.event("zion.acme.issued");
});

test(
  "while the CA is down the old certificate stays, and tries come less and less often",
  options,
  async (t) => {
    const responder = await startResponder(t);
    const pebble = await startPebble(t, { httpPort: responder.port, tlsPort: 1 });
    const bench = await startDesk(t, responder, { account: pebble });
    await bench.event("zion.acme.issued");
    const before = bench.files.certificate("a.test");
    const account = bench.files.account("one");
    await pebble.stop();
    const wanted = [{ ...bench.certificates[0]!, domains: ["a.test", "b.test"] }];
    const waits: number[] = [];
    bench.forward(minuteMs, wanted);
    for (let i = 1; i <= 4; i++) {
      const failed = await bench.event("zion.acme.failed", i);
      assert.equal(failed["reason"], "unreachable");
      const waitMs = Date.parse(String(failed["next_attempt"])) - bench.wallMs();
      waits.push(waitMs);
      bench.forward(waitMs + 1000, wanted);
    }
    assert.deepEqual(
      waits.map((waitMs, i) => waitMs > 0.7 * 5 * minuteMs * 2 ** i && waitMs <= 5 * minuteMs * 2 ** i),
      [true, true, true, true],
      waits.join(),
    );
    assert.equal(bench.files.certificate("a.test"), before);
    // It comes back without its memory: the account is asked for again, with the same key.
    await pebble.start();
    await bench.event("zion.acme.failed", 5);
    bench.forward(6 * hourMs, wanted);
    await bench.event("zion.acme.issued", 2);
    assert.deepEqual(bench.files.account("one"), account);
  },
);

test(
  "without the file of its key there is another account; a damaged file is told and not overwritten",
  options,
  async (t) => {
    const responder = await startResponder(t);
    const pebble = await startPebble(t, { httpPort: responder.port, tlsPort: 1 });
    const bench = await startDesk(t, responder, { account: pebble });
    await bench.event("zion.acme.issued");
    const file = path.join(bench.directory, "accounts/one.json");
    const before = readFileSync(file, "utf8");
    rmSync(file);
    bench.forward(minuteMs, [{ ...bench.certificates[0]!, domains: ["a.test", "b.test"] }]);
    await bench.event("zion.acme.issued", 2);
    assert.notEqual(readFileSync(file, "utf8"), before);
    writeFileSync(file, "{");
    bench.forward(minuteMs, [{ ...bench.certificates[0]!, domains: ["a.test", "c.test"] }]);
    assert.equal((await bench.event("zion.acme.failed"))["reason"], "disk");
    assert.equal(readFileSync(file, "utf8"), "{");
  },
);

test("the key of an account is rolled over, also when the gateway dies on the way", options, async (t) => {
  const responder = await startResponder(t);
  const pebble = await startPebble(t, { httpPort: responder.port, tlsPort: 1 });
  const bench = await startDesk(t, responder, { account: pebble });
  await bench.event("zion.acme.issued");
  await bench.idle();
  const { key: first } = bench.files.account("one")!;
  assert.equal(await bench.desk.rollOver("a.test"), undefined);
  const { key: second, nextKey } = bench.files.account("one")!;
  assert.notEqual(second, first);
  assert.equal(nextKey, undefined);
  // Died after the CA had taken the second key, and before that was written.
  bench.files.saveAccount("one", { key: first, nextKey: second });
  bench.forward(minuteMs, [{ ...bench.certificates[0]!, domains: ["a.test", "b.test"] }]);
  await bench.event("zion.acme.issued", 2);
  assert.deepEqual(bench.files.account("one"), { key: second });
  await bench.idle();
  // Died before the CA had taken another one.
  bench.files.saveAccount("one", { key: second, nextKey: first });
  assert.equal(await bench.desk.rollOver("a.test"), undefined);
  assert.ok(![first, second].includes(bench.files.account("one")!.key));
});

test(
  "an account that must be bound to an external one is, and with another key it is not",
  options,
  async (t) => {
    const responder = await startResponder(t);
    const hmac = "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W";
    const pebble = await startPebble(t, {
      httpPort: responder.port,
      tlsPort: 1,
      bindings: { "kid-1": hmac },
    });
    const binding = { keyId: "kid-1", variable: "EAB", file: undefined };
    const { directoryUrl, caPem } = pebble;
    const good = await startDesk(t, responder, {
      account: { directoryUrl, caPem, binding },
      environment: { EAB: `${hmac}\n` },
    });
    await good.event("zion.acme.issued");
    const bad = await startDesk(t, responder, {
      account: { directoryUrl, caPem, binding },
      environment: { EAB: hmac.replace("z", "y") },
    });
    assert.equal((await bad.event("zion.acme.failed"))["reason"], "account");
    const none = await startDesk(t, responder, { account: { directoryUrl, caPem } });
    assert.equal((await none.event("zion.acme.failed"))["reason"], "account");
  },
);

test("proofs that fail use up our own limit, never the CA's", options, async (t) => {
  const responder = await startResponder(t);
  responder.wrong = true;
  const front = await startAcmeFront(t, await startPebble(t, { httpPort: responder.port, tlsPort: 1 }));
  const bench = await startDesk(t, responder, { account: front });
  assert.equal((await bench.event("zion.acme.failed"))["reason"], "challenge");
  // A gateway that forgets its patience, as one that is started again and again by hand would.
  for (let i = 2; i <= 4; i++) {
    assert.equal(bench.desk.renew("a.test"), undefined);
    await bench.event("zion.acme.failed", i);
  }
  assert.match(bench.desk.renew("a.test")!, /too many orders/);
  bench.desk.stop();
  const next = await startDesk(t, responder, { account: front, directory: bench.directory });
  await next.event("zion.acme.elected");
  assert.match(next.desk.renew("a.test")!, /too many orders/);
  assert.equal(ordersAt(front), 4);
  responder.wrong = false;
  next.forward(hourMs + minuteMs);
  assert.equal(next.desk.renew("a.test"), undefined);
  await next.event("zion.acme.issued");
});

test("without a place for its key nothing is ordered, and the old certificate stays", options, async (t) => {
  const responder = await startResponder(t);
  const front = await startAcmeFront(t, await startPebble(t, { httpPort: responder.port, tlsPort: 1 }));
  const bench = await startDesk(t, responder, { account: front });
  await bench.event("zion.acme.issued");
  const before = bench.files.certificate("a.test");
  rmSync(path.join(bench.directory, "orders"), { recursive: true });
  writeFileSync(path.join(bench.directory, "orders"), "");
  bench.forward(minuteMs, [{ ...bench.certificates[0]!, domains: ["a.test", "b.test"] }]);
  const failed = await bench.event("zion.acme.failed");
  assert.equal(failed["reason"], "disk");
  assert.match(String(failed["problem"]), /ENOTDIR/);
  assert.equal(ordersAt(front), 1);
  assert.equal(bench.files.certificate("a.test"), before);
});

test("without its journal nothing is ordered, and readiness can say so", options, async (t) => {
  const responder = await startResponder(t);
  const front = await startAcmeFront(t, undefined);
  const directory = stateDirectory();
  openAcmeFiles(directory);
  writeFileSync(path.join(directory, "journal.json"), '{"certificates":');
  const bench = await startDesk(t, responder, { account: front, directory });
  await bench.event("zion.acme.directory");
  assert.match(bench.desk.status().problem!, /journal\.json is damaged/);
  assert.equal(bench.desk.problem, "the directory of [tls.acme] cannot be used");
  assert.match(bench.desk.renew("a.test")!, /cannot be used/);
  rmSync(path.join(directory, "journal.json"));
  bench.forward(minuteMs);
  await bench.event("zion.acme.order");
});

test("challenges are forgotten when nothing is ordered any more", options, async (t) => {
  const responder = await startResponder(t);
  const front = await startAcmeFront(t, await startPebble(t, { httpPort: responder.port, tlsPort: 1 }));
  const reached = Promise.withResolvers<void>();
  front.handle = (at) => {
    if (!at.startsWith("/finalize-order")) return false;
    reached.resolve();
    return true;
  };
  const bench = await startDesk(t, responder, { account: front });
  await reached.promise;
  assert.equal(responder.challenges.length, 1);
  bench.desk.adopt({ tls: undefined } as unknown as Config);
  assert.equal(responder.challenges.length, 0);
  assert.equal(bench.desk.isOn, false);
});

test("an order whose process is killed is taken up again, and no other is placed", options, async (t) => {
  const responder = await startResponder(t);
  const front = await startAcmeFront(t, await startPebble(t, { httpPort: responder.port, tlsPort: 1 }));
  let isStuck = true;
  const reached = Promise.withResolvers<void>();
  front.handle = (at) => {
    if (!at.startsWith("/finalize-order") || !isStuck) return false;
    reached.resolve();
    return true;
  };
  const bench = await startDesk(t, responder, { account: front, processes: true });
  await reached.promise;
  process.kill(bench.pids.at(-1)!, "SIGKILL");
  const failed = await bench.event("zion.acme.failed");
  assert.match(String(failed["problem"]), /SIGKILL/);
  const { keyPem } = bench.files.order("a.test")!;
  isStuck = false;
  bench.forward(10 * minuteMs);
  await bench.event("zion.acme.issued");
  assert.equal(ordersAt(front), 1);
  const saved = readFileSync(path.join(bench.directory, "certificates/a.test.pem"), "utf8");
  assert.ok(saved.startsWith(keyPem), "the key that was made before the order");
});
function problem(
  response: import("node:http").ServerResponse,
  status: number,
  type: string,
  headers: Readonly<Record<string, string>>,
): void {
  response.writeHead(status, { "content-type": "application/problem+json", ...headers });
  response.end(JSON.stringify({ type: `urn:ietf:params:acme:error:${type}`, detail: "no", status }));
}
