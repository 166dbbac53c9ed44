import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join, resolve } from "node:path";
import { type TestContext, test } from "node:test";
import { config, type Gateway, launcher, request, startGateway, startUpstream } from "../control/gateway.ts";
import { newDirectory } from "../support/directory.ts";

const script = resolve(import.meta.dirname, "../../bin/zion-backup");
const onLinux = { skip: process.platform === "linux" ? false : "GNU cp and tar" };
const key = Buffer.alloc(32, 7);

function backup(...args: readonly string[]) {
  return spawnSync(script, args, { encoding: "utf8" });
}

function verify(directory: string, keyFile: string) {
  return spawnSync(process.execPath, [launcher, "audit", "verify", "-d", directory, "--key", keyFile], {
    encoding: "utf8",
  });
}

function emptyDirectory(): string {
  const directory = newDirectory("backup");
  return directory;
}

/** A gateway that keeps evidence in its state directory. */
async function startRecording(t: TestContext): Promise<Gateway> {
  const upstream = await startUpstream(t);
  const audit = `[audit]\nenabled = true\npath = "DIRECTORY/state/audit"\nkey_file = "DIRECTORY/audit.key"\ncheckpoint_secs = 1\n`;
  const state = emptyDirectory();
  rmSync(state, { recursive: true });
  mkdirSync(state, { mode: 0o700 });
  const toml = config(
    upstream.port,
    ['state_dir = "STATE"'],
    audit.replace("DIRECTORY/state", "STATE"),
  ).replaceAll("STATE", state);
  return Object.assign(await startGateway(t, { toml, files: { "audit.key": key } }), { state });
}

test("a gateway that records is saved while it does, and the copies verify", onLinux, async (t) => {
  const gateway = (await startRecording(t)) as Gateway & { readonly state: string };
  const place = emptyDirectory();
  const keyFile = join(gateway.directory, "audit.key");
  let attacks = true;
  const attacking = (async () => {
    for (let n = 0; attacks; n++) {
      assert.equal((await request(gateway.port, `/?q=${n}'+UNION+SELECT+password+FROM+users--`)).status, 400);
      // Enough to be written to all the time, without a log that takes seconds to verify.
      await new Promise((done) => setTimeout(done, 5));
    }
  })();
  for (const round of [1, 2]) {
    const archive = join(place, `${round}.tar.gz`);
    const saved = backup("save", archive, gateway.state);
    assert.equal(saved.status, 0, saved.stderr);
    assert.equal(statSync(archive).mode & 0o777, 0o600);
  }
  attacks = false;
  await attacking;

  for (const round of [1, 2]) {
    const root = join(place, `root${round}`);
    mkdirSync(root);
    const restored = backup("restore", join(place, `${round}.tar.gz`), root);
    assert.equal(restored.status, 0, restored.stderr);
    const state = join(root, gateway.state);
    assert.deepEqual(
      [state, join(state, "audit")].map((path) => statSync(path).mode & 0o777),
      [0o700, 0o700],
    );
    for (const name of readdirSync(state, { recursive: true, encoding: "utf8" })) {
      const facts = lstatSync(join(state, name));
      assert.ok(facts.isFile() || facts.isDirectory(), `${name} is a file or a directory`);
      assert.equal(facts.mode & 0o077, 0, `${name} is for its owner only`);
    }
    const { status, stdout, stderr } = verify(join(state, "audit"), keyFile);
    assert.equal(status, 0, stdout + stderr);
  }

  gateway.signal("SIGTERM");
  assert.equal(await gateway.exited, 143);
  const after = verify(join(gateway.state, "audit"), keyFile);
  assert.equal(after.status, 0, after.stdout);

  // The machine is lost: another gateway goes on from the copy.
  rmSync(gateway.state, { recursive: true });
  assert.equal(backup("restore", join(place, "2.tar.gz"), "/").status, 0);
  const toml = readFileSync(join(gateway.directory, "zion.toml"), "utf8").replaceAll(
    gateway.directory,
    "DIRECTORY",
  );
  const next = await startGateway(t, { toml, files: { "audit.key": key } });
  assert.equal((await request(next.port, "/?q='+UNION+SELECT+password+FROM+users--")).status, 400);
  next.signal("SIGTERM");
  assert.equal(await next.exited, 143);
  const went = verify(join(gateway.state, "audit"), keyFile);
  assert.equal(went.status, 0, went.stdout + went.stderr);
});

test("nothing that is there is overwritten, and a spoilt archive is not restored", onLinux, () => {
  const place = emptyDirectory();
  const state = join(place, "state");
  const archive = join(place, "a.tar.gz");
  mkdirSync(join(state, "certificates"), { recursive: true, mode: 0o700 });
  writeFileSync(join(state, "certificates/a b.json"), "secret", { mode: 0o600 });
  writeFileSync(join(state, "half.new"), "half");
  writeFileSync(join(state, "audit-1.ndjson"), '{"whole":1}\n{"to');
  assert.equal(backup("save", archive, state).status, 0);
  assert.match(backup("save", archive, state).stderr, /is there already/);
  assert.match(backup("restore", archive, "/").stderr, /is there, and not empty/);

  const root = join(place, "root");
  assert.equal(backup("restore", archive, root).status, 0);
  const at = (name: string) => join(root, state, name);
  assert.equal(readFileSync(at("certificates/a b.json"), "utf8"), "secret");
  assert.equal(statSync(at("certificates/a b.json")).mode & 0o777, 0o600);
  assert.equal(readFileSync(at("audit-1.ndjson"), "utf8"), '{"whole":1}\n', "a line that was being written");
  assert.ok(!existsSync(at("half.new")));

  // Somebody puts a file of his own into the archive.
  const open = join(place, "open");
  mkdirSync(open);
  const tar = (...args: readonly string[]) => assert.equal(spawnSync("tar", ["-C", open, ...args]).status, 0);
  tar("-xzf", archive);
  writeFileSync(join(open, "tree", state, "certificates/a b.json"), "other");
  tar("-czf", join(place, "b.tar.gz"), "sums", "directories", "tree");
  writeFileSync(join(open, "tree", state, "certificates/a b.json"), "secret");
  writeFileSync(join(open, "tree", state, "more"), "more");
  tar("-czf", join(place, "c.tar.gz"), "sums", "directories", "tree");
  for (const name of ["b.tar.gz", "c.tar.gz"]) {
    const refused = backup("restore", join(place, name), join(place, name.slice(0, 1)));
    assert.equal(refused.status, 1);
    assert.match(refused.stderr, /was changed/);
    assert.ok(!existsSync(join(place, name.slice(0, 1), state)));
  }
  assert.equal(backup("save", archive).status, 2);
  assert.match(backup().stderr, /zion-backup restore ARCHIVE ROOT/);
});
