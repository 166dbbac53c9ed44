import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { after, before, test } from "node:test";
import { importCaddy } from "../../src/import/caddy.ts";
import { newDirectory } from "../support/directory.ts";
import { startEdge } from "../support/edge.ts";
import { freePort } from "../support/free-port.ts";
import { type Ask, type Origins, put, says, startOrigins, startPeer } from "./differential.ts";

/**
 * Real Caddy with a Caddyfile, and this gateway with what was made of it, are asked the same. Answers are equal, or differ
 * where the report says so.
 */

const caddy = {
  skip:
    spawnSync("caddy", ["version"]).status === 0 || process.env["CI"] !== undefined
      ? false
      : "caddy is missing",
};

const cases: Readonly<Record<string, readonly Ask[]>> = {
  places: [
    { ask: "GET shop.test/" },
    { ask: "GET shop.test/api/x?a=%20b" },
    { ask: "GET shop.test/api/" },
    { ask: "GET shop.test/api", differs: "`/api` is part of it here" },
    { ask: "GET shop.test/apiary" },
    { ask: "GET shop.test/exact" },
    { ask: "GET shop.test/exact/", differs: "`/exact/` is the same path here" },
    { ask: "GET shop.test/exactly" },
    { ask: "GET shop.test/handled/x" },
    { ask: "GET shop.test/handled/deep/x" },
    { ask: "GET shop.test/strip/x?q=1" },
    { ask: "GET shop.test/strip/" },
    { ask: "GET shop.test/ordered/x" },
    { ask: "GET shop.test/ordered/closed/x" },
    { ask: "GET shop.test/healthz" },
    { ask: "GET shop.test/said" },
    { ask: "POST shop.test/form", body: Buffer.from("a=1") },
    { ask: "DELETE shop.test/api/7" },
    { ask: "HEAD shop.test/api/7" },
    { ask: "GET shop.test/", fields: { "X-Forwarded-For": "192.0.2.1" } },
    { ask: "GET only.test/only/x" },
    { ask: "GET only.test/x", differs: "Caddy says 200 with nothing; here the route is closed" },
  ],
  hosts: [
    { ask: "GET shop.test/" },
    { ask: "GET www.shop.test/" },
    { ask: "GET WWW.Shop.Test/", differs: "Host in lower case" },
    { ask: "GET one.apps.test/x" },
    { ask: "GET two.apps.test/x" },
    { ask: "GET three.apps.test/x" },
    { ask: "GET deep.one.apps.test/x", differs: "any name below `*.` is taken, at any depth" },
    { ask: "GET nobody.test/", differs: "A host of no site gets 404 here" },
  ],
  matchers: [
    { ask: "GET match.test/x" },
    { ask: "HEAD match.test/x" },
    { ask: "POST match.test/x", body: Buffer.from("a") },
    { ask: "POST match.test/write/x", body: Buffer.from("a") },
    { ask: "PUT match.test/write/x", body: Buffer.from("a") },
    { ask: "GET match.test/write/x" },
    { ask: "DELETE match.test/write/x" },
    { ask: "GET version.test/v1/x" },
    { ask: "GET version.test/v2/x" },
    { ask: "GET version.test/v3/x" },
    { ask: "GET inside.test/x" },
    { ask: "GET outside.test/x" },
    { ask: "GET beta.test/x" },
    { ask: "GET beta.test/x", fields: { "X-Beta": "1" }, differs: "its matcher cannot be said here" },
  ],
  answers: [
    { ask: "GET app.test/old" },
    { ask: "GET app.test/found" },
    { ask: "GET app.test/moved/x?q=1" },
    { ask: "GET app.test/x", fields: { "X-Drop": "me", "X-Client": "forged" } },
    { ask: "GET app.test/api/x", fields: { "X-Drop": "me" } },
    { ask: "GET upstream.test/x" },
    { ask: "GET prefix.test/v1/x?q=1" },
    { ask: "GET prefix.test/v2/x" },
    { ask: "POST large.test/x", body: Buffer.alloc(900_000, "x") },
    { ask: "POST large.test/x", body: Buffer.alloc(1_020_000, "x"), differs: "1MB is 1 MiB here" },
  ],
  closed: [
    { ask: "GET closed.test/x", differs: "what becomes of the path cannot be said here" },
    { ask: "GET guard.test/x" },
    { ask: "GET guard.test/staff/x", differs: "passwords of Caddy cannot be used" },
    { ask: "GET guard.test/changed/x", differs: "what becomes of the path cannot be said here" },
    { ask: "GET guard.test/gone/x", differs: "a closed route: 403" },
    { ask: "GET auth.test/x", fields: { Authorization: "good" } },
    { ask: "GET auth.test/x", fields: { Authorization: "good", "X-Who": "forged" } },
    { ask: "GET auth.test/x" },
    { ask: "GET auth.test/x", fields: { Authorization: "known but not allowed" } },
  ],
  files: [
    { ask: "GET files.test/" },
    { ask: "GET files.test/a.txt" },
    { ask: "HEAD files.test/a.txt" },
    { ask: "GET files.test/missing" },
    { ask: "GET files.test/deep/" },
    { ask: "GET files.test/deep/b.txt" },
    { ask: "GET files.test/.hidden", differs: "hidden files are not served" },
    { ask: "GET files.test/api/x" },
  ],
};

let origins: Origins;
const folder = newDirectory("import");

before(async () => {
  origins = await startOrigins();
  mkdirSync(path.join(folder, "site/deep"), { recursive: true });
  for (const [name, text] of Object.entries({
    "site/index.html": "home",
    "site/a.txt": "a",
    "site/.hidden": "hidden",
    "site/deep/index.html": "deep",
    "site/deep/b.txt": "b",
    secret: "secret",
  }))
    writeFileSync(path.join(folder, name), text);
});

after(() => {
  origins.close();
});

for (const [name, asks] of Object.entries(cases)) {
  test(
    `${name}.Caddyfile: Caddy and this gateway answer the same, but where the report says so`,
    caddy,
    async (t) => {
      const listen = await freePort();
      const text = withPlaces(
        readFileSync(path.join(import.meta.dirname, `differential-caddy/${name}.Caddyfile`), "utf8"),
      );
      const file = path.join(folder, `${name}.Caddyfile`);
      const imported = importCaddy({ file, text }, () => "not here");
      assert.equal(imported.kind, "imported");
      if (imported.kind !== "imported") return;
      const edge = await startEdge(imported.toml.replace(/^(?:listen_http|workers) = .*$/gm, ""));
      t.after(() => edge.stop());
      writeFileSync(file, `{\n\tadmin off\n\tauto_https off\n\thttp_port ${listen}\n}\n${text}`);
      const peer = await startPeer("caddy", ["run", "--config", file, "--adapter", "caddyfile"], listen, {
        // Where it would keep certificates and its last configuration.
        XDG_DATA_HOME: folder,
        XDG_CONFIG_HOME: folder,
      });
      t.after(() => peer.kill("SIGKILL"));
      let reached = 0;
      for (const ask of asks) {
        const theirs = await put(listen, ask);
        const ours = await put(edge.port, ask);
        if (ours.origin !== "" || ours.text !== "") reached++;
        if (ask.differs === undefined) assert.deepEqual(ours, theirs, ask.ask);
        else {
          assert.notDeepEqual(ours, theirs, `${ask.ask}: the report says that it differs`);
          assert.ok(says(imported.report, ask.differs), `${ask.ask}: the report does not say ${ask.differs}`);
        }
      }
      assert.ok(reached > 0, "no request was let in");
    },
  );
}

/** The configuration with the addresses and the folder of this test. */
function withPlaces(text: string): string {
  return text
    .replace(/localhost:(300\d)/g, (whole, port: string) => `127.0.0.1:${origins.ports.get(port) ?? whole}`)
    .replaceAll("FOLDER", folder);
}
