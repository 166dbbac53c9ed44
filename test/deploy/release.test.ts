import assert from "node:assert/strict";
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { basename, join, resolve } from "node:path";
import { before, test } from "node:test";
import { buildDeb } from "../../deploy/deb/build.ts";
import { type Artefacts, buildArtefacts } from "../../deploy/release/artefacts.ts";
import { printProvenance } from "../../deploy/release/provenance.ts";
import { makeSbom } from "../../deploy/release/sbom.ts";
import type { Source } from "../../deploy/release/stage.ts";
import { sha256Of, signRelease } from "../../deploy/release/sums.ts";
import { printReleaseKey } from "../../src/cli/minisign.ts";
import { kill, request, until } from "../control/gateway.ts";
import { newDirectory } from "../support/directory.ts";
import { freePort } from "../support/free-port.ts";

/** The long form is `npm run release`: it installs from the lockfile and builds a commit; here the checkout stands for both. */
const root = resolve(import.meta.dirname, "../..");
const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string };
const source: Source = { directory: root, version, epochSecs: 1_790_000_000 };
const directory = newDirectory("release");

let first: Artefacts;
before(() => {
  first = buildArtefacts(source, join(directory, "first"));
});

const byRoot = {
  skip:
    process.env["CI"] !== undefined || (process.getuid?.() === 0 && existsSync("/usr/bin/dpkg-deb"))
      ? false
      : "installs a Debian package into a test root as root",
};

test("another umask and time zone build the same bytes", byRoot, () => {
  const umask = process.umask(0o077);
  const zone = process.env["TZ"];
  process.env["TZ"] = "Asia/Kathmandu";
  const second = buildArtefacts(source, join(directory, "second"));
  process.umask(umask);
  if (zone === undefined) delete process.env["TZ"];
  else process.env["TZ"] = zone;
  assert.equal(sha256Of(second.tarball), sha256Of(first.tarball));
  assert.equal(sha256Of(second.deb), sha256Of(first.deb));
  rmSync(join(directory, "second"), { recursive: true });
});

test("the tarball holds what was staged, for everybody to read and nobody to write", () => {
  const listing = execFileSync("tar", ["-tvzf", first.tarball], { encoding: "utf8" }).trimEnd().split("\n");
  const modes = new Set(listing.map((line) => line.slice(0, 10)));
  for (const mode of modes) assert.match(mode, /^(?:drwxr-xr-x|-rwxr-xr-x|-rw-r--r--|lrwxrwxrwx)$/);
  assert.ok(
    listing.every((line) => line.includes(" 0/0 ")),
    "owners are numbers, and 0",
  );
  assert.ok(
    !listing.some((line) => /\/(?:test|src\/cli|\.git|\.npmrc)\b/.test(line.replace(/node_modules.*/, ""))),
  );
  const { status, stdout } = spawnSync(process.execPath, [join(first.staged, "bin/zion.js"), "version"], {
    encoding: "utf8",
    env: {},
  });
  assert.equal(status, 0);
  assert.match(stdout, new RegExp(`^zion ${version.replaceAll(".", "\\.")}\\b`));
});

test("the Debian package holds what the tarball holds", byRoot, () => {
  const depends = execFileSync("dpkg-deb", ["--field", first.deb, "Depends"], { encoding: "utf8" });
  assert.match(depends, /^nodejs \(>= 24\.\d+\.\d+\), systemd \(>= 250\)$/m);
  const below = (prefix: RegExp, listing: string) =>
    listing
      .split("\n")
      .filter((name) => prefix.test(name))
      .map((name) => name.replace(prefix, ""));
  const archive = execFileSync("dpkg-deb", ["--fsys-tarfile", first.deb], { maxBuffer: 1 << 30 });
  const packed = execFileSync("tar", ["-t"], { input: archive, encoding: "utf8", maxBuffer: 1 << 26 });
  const tarball = execFileSync("tar", ["-tzf", first.tarball], { encoding: "utf8", maxBuffer: 1 << 26 });
  assert.deepEqual(
    below(/^\.\/usr\/lib\/zion\//, packed).sort(),
    below(/^zion-edge-[^/]+\//, tarball).sort(),
  );
});

const inFull = {
  skip:
    process.env["ZION_FULL"] === undefined
      ? "ZION_FULL=1 runs it"
      : spawnSync("lintian", ["--version"]).error === undefined
        ? false
        : "lintian is missing",
};

test("lintian finds no error in the Debian package", inFull, () => {
  const { status, stdout } = spawnSync("lintian", ["--allow-root", "--fail-on=error", first.deb], {
    encoding: "utf8",
  });
  assert.equal(status, 0, stdout);
});

test("the bill of materials lists what the tarball holds, and is the same twice", () => {
  const bom = makeSbom(source, first.staged);
  assert.equal(makeSbom(source, first.staged), bom);
  const { specVersion, components, metadata } = JSON.parse(bom);
  assert.equal(specVersion, "1.5");
  assert.equal(metadata.component.name, "zion-edge");
  assert.ok(components.length >= 50);
  for (const { name, hashes, licenses } of components) {
    assert.equal(hashes[0].alg, "SHA-512", name);
    assert.ok(licenses.length > 0, name);
  }
  const stray = join(first.staged, "node_modules/stray");
  mkdirSync(stray);
  writeFileSync(join(stray, "package.json"), '{"name":"stray","version":"1.0.0"}');
  assert.throws(() => makeSbom(source, first.staged), /not what was staged: stray@1\.0\.0/);
  rmSync(stray, { recursive: true });
});

test("a release with everything in it is verified by a test key, and a spoilt one is not", () => {
  const out = join(directory, "out");
  mkdirSync(out);
  for (const file of [first.tarball, first.deb]) copyFileSync(file, join(out, basename(file)));
  writeFileSync(join(out, "zion.cdx.json"), makeSbom(source, first.staged));
  const names = [basename(first.tarball), basename(first.deb), "zion.cdx.json"];
  const provenance = printProvenance({
    source,
    commit: "0".repeat(40),
    lockfileSha256: sha256Of(join(root, "package-lock.json")),
    node: process.version,
    npm: "11",
    advisories: { kind: "not offered", why: "a test" },
    builds: 2,
    artefacts: names.map((name) => [name, sha256Of(join(out, name))] as const),
  });
  writeFileSync(join(out, "zion.intoto.json"), provenance);
  const { privateKey } = generateKeyPairSync("ed25519");
  signRelease(out, [...names, "zion.intoto.json"], `zion-edge ${version}`, privateKey);
  const key = join(directory, "release.pub");
  writeFileSync(key, printReleaseKey(privateKey));
  const verify = () =>
    spawnSync(process.execPath, [join(first.staged, "bin/zion.js"), "verify-release", out, "--key", key], {
      encoding: "utf8",
    });
  const good = verify();
  assert.equal(good.status, 0, good.stderr);
  assert.match(good.stdout, /^4 files as signed: zion-edge /m);
  execFileSync("sha256sum", ["--check", "--strict", "--quiet", "SHA256SUMS"], { cwd: out });

  const statement = JSON.parse(provenance);
  assert.deepEqual(
    statement.subject.map(({ name, digest }: { name: string; digest: { sha256: string } }) => [
      name,
      digest.sha256,
    ]),
    names.map((name) => [name, sha256Of(join(out, name))]),
  );
  assert.match(statement.predicate.buildDefinition.internalParameters.advisories, /NOT checked/);
  assert.equal(statement.predicate.runDetails.builder.id, "urn:zion-edge:self-issued");

  writeFileSync(join(out, basename(first.deb)), "x", { flag: "a" });
  const spoilt = verify();
  assert.equal(spoilt.status, 1);
  assert.match(spoilt.stderr, /_all\.deb: it was changed/);
});

test(
  "the Debian package installs, serves as its own user, keeps changed files and goes when it is purged",
  byRoot,
  async (t) => {
    const target = join(directory, "root");
    const at = (name: string) => join(target, name);
    chmodSync(directory, 0o755);
    for (const name of ["info", "updates", "triggers"])
      mkdirSync(at(`var/lib/dpkg/${name}`), { recursive: true });
    writeFileSync(at("var/lib/dpkg/status"), "");
    mkdirSync(at("etc"));
    // Node and systemd are the host's.
    const dpkg = (...args: readonly string[]) =>
      execFileSync(
        "dpkg",
        [`--root=${target}`, "--force-depends", "--force-script-chrootless", "--force-unsafe-io", ...args],
        {
          stdio: ["ignore", "ignore", "pipe"],
        },
      );
    // The same package with fewer files: dpkg takes seconds for thousands.
    const small = join(directory, "small.deb");
    const few = join(directory, "few");
    for (const part of ["bin", "config", "package.json"])
      cpSync(join(first.staged, part), join(few, part), { recursive: true });
    buildDeb(few, source, join(directory, "small"), small);
    dpkg("--install", small);

    const passwd = readFileSync(at("etc/passwd"), "utf8");
    const [, uid, gid] = /^zion:x?!?\*?:(\d+):(\d+):Zion edge gateway:\/var\/lib\/zion:/m.exec(passwd) ?? [];
    const modeOf = (name: string) => {
      const { mode, uid, gid } = statSync(at(name));
      return [(mode & 0o777).toString(8), uid, gid];
    };
    assert.deepEqual(modeOf("etc/zion"), ["750", 0, Number(gid)]);
    assert.deepEqual(modeOf("etc/zion/zion.toml"), ["640", 0, Number(gid)]);
    assert.deepEqual(modeOf("etc/zion/keys"), ["700", 0, 0]);
    assert.deepEqual(modeOf("etc/zion/keys/audit-hmac-key"), ["600", 0, 0]);
    assert.deepEqual(modeOf("var/lib/zion"), ["700", Number(uid), Number(gid)]);
    const auditKey = readFileSync(at("etc/zion/keys/audit-hmac-key"), "hex");
    assert.equal(auditKey.length, 64);
    execFileSync("dpkg", [`--root=${target}`, "--verify", "zion-edge"]);

    // As the unit starts it: another user, nothing but its directories to write to, keys by credentials.
    const credentials = at("credentials");
    mkdirSync(credentials);
    for (const name of ["audit-hmac-key", "capture-key"]) {
      copyFileSync(at(`etc/zion/keys/${name}`), join(credentials, name));
      execFileSync("chown", [`${uid}:${gid}`, join(credentials, name)]);
      chmodSync(join(credentials, name), 0o400);
    }
    const port = await freePort();
    const toml = readFileSync(at("etc/zion/zion.toml"), "utf8")
      .replace("127.0.0.1:8080", `127.0.0.1:${port}`)
      .replace("[server]", "[server]\nshutdown_delay_ms = 0")
      .replaceAll("/var/lib/zion", at("var/lib/zion"))
      .replace("unix:/run/zion/admin.sock", `unix:${at("var/lib/zion/admin.sock")}`);
    writeFileSync(at("etc/zion/here.toml"), `${toml}\n[telemetry]\nlisten = "off"\n`);
    execFileSync("chown", [`0:${gid}`, at("etc/zion/here.toml")]);
    chmodSync(at("etc/zion/here.toml"), 0o640);
    const gateway = spawn(
      "setpriv",
      [
        `--reuid=${uid}`,
        `--regid=${gid}`,
        "--clear-groups",
        "--no-new-privs",
        "--inh-caps=-all",
        "--bounding-set=-all",
        process.execPath,
        join(first.staged, "bin/zion.js"),
        "run",
        "-c",
        at("etc/zion/here.toml"),
      ],
      {
        stdio: ["ignore", "ignore", "pipe"],
        env: { PATH: process.env["PATH"], CREDENTIALS_DIRECTORY: credentials },
        cwd: "/",
      },
    );
    let log = "";
    gateway.stderr.setEncoding("utf8").on("data", (part) => (log += part));
    const exited = new Promise<number | null>((done) => gateway.on("exit", done));
    t.after(() => kill(gateway.pid!, "SIGKILL"));
    await Promise.race([
      until("it serves", () => log.includes('"zion.started"')),
      exited.then((code) => assert.fail(`it ended with ${code}: ${log}`)),
    ]);
    const { status } = await request(port, "/?q='+UNION+SELECT+password+FROM+users--");
    assert.equal(status, 400, "the WAF is on");
    gateway.kill("SIGTERM");
    assert.equal(await exited, 143);
    assert.ok(existsSync(at("var/lib/zion/audit")), log);

    writeFileSync(at("etc/zion/zion.toml"), `${readFileSync(at("etc/zion/zion.toml"), "utf8")}# mine\n`);
    dpkg("--force-confold", "--install", small);
    assert.match(readFileSync(at("etc/zion/zion.toml"), "utf8"), /# mine/);
    assert.equal(
      readFileSync(at("etc/zion/keys/audit-hmac-key"), "hex"),
      auditKey,
      "logs are sealed with it",
    );

    dpkg("--remove", "zion-edge");
    assert.ok(!existsSync(at("usr/lib/zion")));
    assert.match(readFileSync(at("etc/zion/zion.toml"), "utf8"), /# mine/);
    assert.ok(existsSync(at("var/lib/zion/audit")), "evidence outlives a removal");
    rmSync(at("etc/zion/here.toml"));
    dpkg("--purge", "zion-edge");
    for (const name of ["etc/zion", "var/lib/zion", "var/log/zion", "usr/bin/zion"])
      assert.ok(!existsSync(at(name)), name);
  },
);
