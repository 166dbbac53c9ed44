import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { before, mock, type TestContext, test } from "node:test";
import type { CertificateConfig, TlsConfig } from "../../src/config/config.ts";
import type { ToWorker } from "../../src/control/messages.ts";
import type { OcspResult, OcspTask } from "../../src/control/ocsp-fetch.ts";
import { createStaples } from "../../src/control/staples.ts";
import { createStapleShelf } from "../../src/listener/staple-shelf.ts";
import { makeCertificate } from "../cert/peer-certificates.ts";
import { tlsConfig } from "../listener/tls-front.ts";
import { newDirectory } from "../support/directory.ts";
import { keptLog, settle } from "./fakes.ts";

const hourMs = 3_600_000;
const der = Buffer.from("an answer");
let ca: CertificateConfig;
let stapled: CertificateConfig;
before(() => {
  ca = makeCertificate({ name: "ca", extensions: ["basicConstraints=critical,CA:TRUE"] });
  const own = makeCertificate({
    name: "a.test",
    issuer: ca,
    extensions: ["subjectAltName=DNS:a.test", "authorityInfoAccess=OCSP;URI:http://ocsp.test/"],
  });
  stapled = { ...own, certPem: own.certPem + ca.certPem };
});

/** A desk with a fake clock and responder; what it told workers last, what it asked and what it logged. */
function open(t: TestContext, answer: (task: OcspTask) => OcspResult | string, stateDir?: string) {
  mock.timers.reset();
  mock.timers.enable({ apis: ["setInterval", "Date"], now: 1_000_000 * hourMs });
  t.after(() => mock.timers.reset());
  const log = keptLog();
  const asked: OcspTask[] = [];
  let told: ToWorker | undefined;
  const staples = createStaples({
    stateDir,
    fetch: async (task) => {
      asked.push(task);
      return answer(task);
    },
    broadcast: (message) => {
      told = message;
    },
    exposition: { add: () => {} },
    clock: { wallMs: () => Date.now() },
    log,
  });
  t.after(() => staples.stop());
  return {
    staples,
    log,
    asked,
    told: () => (told?.type === "staples" ? told.staples : []),
    async pass(ms: number) {
      for (let left = ms; left > 0; left -= 300_000) {
        mock.timers.tick(Math.min(300_000, left));
        await settle();
      }
    },
  };
}

const goodFor = (ms: number, status: OcspResult["status"] = "good"): OcspResult => ({
  status,
  der,
  thisUpdateMs: Date.now(),
  nextUpdateMs: Date.now() + ms,
});
const config = (): TlsConfig => tlsConfig({ sni: [{ serverName: "a.test", ...stapled }] });

test("a certificate that names a responder is stapled, and its answer renewed when half of its time is over", async (t) => {
  const desk = open(t, () => goodFor(10 * hourMs));
  desk.staples.adopt(config());
  await settle();
  assert.deepEqual(desk.asked, [
    {
      leafPem: desk.asked[0]!.leafPem,
      issuerPem: ca.certPem.trim(),
      url: "http://ocsp.test/",
      cached: undefined,
    },
  ]);
  assert.deepEqual(
    desk.told().map(({ untilMs }) => untilMs),
    [Date.now() + 10 * hourMs],
  );
  await desk.pass(4.9 * hourMs);
  assert.equal(desk.asked.length, 1);
  await desk.pass(0.2 * hourMs);
  assert.equal(desk.asked.length, 2);
});

test("a responder that is down is asked again after 5 minutes, then ever more seldom; the old answer serves on", async (t) => {
  let isUp = true;
  const desk = open(t, () => (isUp ? goodFor(4 * hourMs) : "ECONNREFUSED"));
  desk.staples.adopt(config());
  await settle();
  isUp = false;
  await desk.pass(2 * hourMs);
  assert.equal(desk.asked.length, 2);
  assert.equal(desk.told().length, 1);
  await desk.pass(hourMs);
  // At 5, 15 and 35 minutes.
  assert.equal(desk.asked.length, 5);
  assert.equal(desk.log.lines.length, 4);
  isUp = true;
  await desk.pass(hourMs);
  assert.equal(desk.told()[0]!.untilMs > Date.now(), true);
});

test("what the CA revoked is not stapled, and is an error in the log", async (t) => {
  const desk = open(t, () => goodFor(hourMs, "revoked"));
  desk.staples.adopt(config());
  await settle();
  assert.deepEqual(desk.told(), []);
  assert.equal(desk.log.lines[0]!.level, "error");
});

test("answers outlive a restart, and go with their certificate", async (t) => {
  const stateDir = newDirectory("staples");
  const desk = open(t, () => goodFor(hourMs), stateDir);
  desk.staples.adopt(config());
  await settle();
  assert.equal(readdirSync(join(stateDir, "ocsp")).length, 1);
  const after = open(t, () => goodFor(hourMs), stateDir);
  after.staples.adopt(config());
  await settle();
  assert.deepEqual(after.asked[0]!.cached, der);
  // A reload without the name.
  after.staples.adopt(tlsConfig());
  assert.deepEqual(after.told(), []);
});

test("a certificate without a responder, or without its issuer in the file, is asked about nowhere", async (t) => {
  const desk = open(t, () => goodFor(hourMs));
  const alone = { ...stapled, certPem: stapled.certPem.slice(0, stapled.certPem.indexOf("-----END") + 26) };
  desk.staples.adopt(tlsConfig({ sni: [{ serverName: "a.test", ...alone }] }));
  await settle();
  assert.deepEqual(desk.asked, []);
});

test("a worker shows an answer until its time is over", () => {
  let wallMs = 0;
  const shelf = createStapleShelf({ wallMs: () => wallMs });
  shelf.replace([{ sha256: "a", der, untilMs: 1000 }]);
  const chain = (sha256: string) => ({ sha256 }) as Parameters<typeof shelf.of>[0];
  assert.deepEqual(shelf.of(chain("a")), der);
  assert.equal(shelf.of(chain("b")), undefined);
  wallMs = 1000;
  assert.equal(shelf.of(chain("a")), undefined);
  shelf.replace([]);
  wallMs = 0;
  assert.equal(shelf.of(chain("a")), undefined);
});
