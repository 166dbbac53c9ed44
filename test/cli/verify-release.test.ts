import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createHash, generateKeyPairSync, type KeyObject } from "node:crypto";
import { mkdirSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import {
  printReleaseKey,
  printReleaseSignature,
  readReleaseKey,
  readReleaseSignature,
} from "../../src/cli/minisign.ts";
import { readSums, verifyReleaseCommand } from "../../src/cli/verify-release.ts";
import { newDirectory } from "../support/directory.ts";

const files = { "zion-1.tar.gz": "tar", "zion_1_all.deb": "deb", "zion-1.cdx.json": "{}" };

/** A release with a key of its own, signed by it or by another. */
function makeRelease(signer?: KeyObject) {
  const directory = newDirectory("release");
  const release = join(directory, "release");
  mkdirSync(release);
  const { privateKey } = generateKeyPairSync("ed25519");
  let sums = "";
  for (const [name, text] of Object.entries(files)) {
    writeFileSync(join(release, name), text);
    sums += `${createHash("sha256").update(text).digest("hex")}  ${name}\n`;
  }
  const key = join(directory, "key.pub");
  writeFileSync(key, printReleaseKey(privateKey));
  const sign = (text: string) => {
    writeFileSync(join(release, "SHA256SUMS"), text);
    const signature = printReleaseSignature(Buffer.from(text), "zion-edge 1", signer ?? privateKey);
    writeFileSync(join(release, "SHA256SUMS.minisig"), signature);
  };
  sign(sums);
  const verify = async () => {
    const said = { out: "", err: "" };
    const stream = (name: "out" | "err") => ({
      color: false,
      write: (text: string) => {
        said[name] += text;
      },
    });
    const code = await verifyReleaseCommand(release, { key }, { out: stream("out"), err: stream("err") });
    return { code, ...said };
  };
  return { at: (name: string) => join(release, name), key, sums, sign, verify };
}

test("a release as it was signed is told file by file, with the comment that was signed", async () => {
  const { verify } = makeRelease();
  assert.deepEqual(await verify(), {
    code: 0,
    out: "zion-1.tar.gz: ok\nzion_1_all.deb: ok\nzion-1.cdx.json: ok\n3 files as signed: zion-edge 1\n",
    err: "",
  });
});

type Release = ReturnType<typeof makeRelease>;

const faults: readonly (readonly [string, (release: Release) => void, number, RegExp])[] = [
  [
    "a changed file",
    ({ at }) => writeFileSync(at("zion-1.tar.gz"), "tra"),
    1,
    /zion-1\.tar\.gz: it was changed/,
  ],
  ["a cut file", ({ at }) => truncateSync(at("zion_1_all.deb"), 2), 1, /zion_1_all\.deb: it was changed/],
  ["a missing file", ({ at }) => rmSync(at("zion-1.cdx.json")), 1, /zion-1\.cdx\.json: it does not exist/],
  ["an extra file", ({ at }) => writeFileSync(at("extra"), ""), 1, /extra: it is not part of the release/],
  ["an extra directory", ({ at }) => mkdirSync(at("more")), 1, /more: it is not part of the release/],
  [
    "a link in place of a file",
    ({ at }) => {
      writeFileSync(`${at("zion-1.tar.gz")}.real`, "tar");
      rmSync(at("zion-1.tar.gz"));
      symlinkSync(`${at("zion-1.tar.gz")}.real`, at("zion-1.tar.gz"));
    },
    1,
    /zion-1\.tar\.gz: it is not a regular file/,
  ],
  [
    "changed sums",
    ({ at, sums }) => writeFileSync(at("SHA256SUMS"), sums.replace(/^./, "x")),
    1,
    /not of this text/,
  ],
  ["cut sums", ({ at, sums }) => writeFileSync(at("SHA256SUMS"), sums.slice(0, -1)), 1, /not of this text/],
  [
    "sums that leave a file out",
    ({ sign, sums }) => sign(`${sums.split("\n")[0]}\n`),
    1,
    /not part of the release/,
  ],
  [
    "sums with a path",
    ({ sign, sums }) => sign(sums.replace("zion-1.tar.gz", "../key.pub")),
    1,
    /a line is not/,
  ],
  ["a file twice", ({ sign, sums }) => sign(sums + sums), 1, /stands there twice/],
  ["no sums", ({ at }) => rmSync(at("SHA256SUMS")), 3, /cannot read .*SHA256SUMS: it does not exist/],
  [
    "no signature",
    ({ at }) => rmSync(at("SHA256SUMS.minisig")),
    3,
    /cannot read .*minisig: it does not exist/,
  ],
  ["no key", ({ key }) => rmSync(key), 3, /cannot read .*key\.pub: it does not exist/],
  [
    "a key that is none",
    ({ key }) => writeFileSync(key, "ssh-ed25519 AAAA\n"),
    3,
    /not a minisign public key/,
  ],
  [
    "a changed comment",
    ({ at }) => {
      const file = at("SHA256SUMS.minisig");
      writeFileSync(file, readFileSync(file, "utf8").replace("zion-edge 1", "zion-edge 2"));
    },
    1,
    /its comment was changed/,
  ],
];

for (const [what, spoil, code, said] of faults) {
  test(`${what} is found out`, async () => {
    const release = makeRelease();
    spoil(release);
    const found = await release.verify();
    assert.equal(found.code, code, found.out + found.err);
    assert.match(found.err, said);
    assert.doesNotMatch(found.out, /as signed/);
  });
}

test("a release that another key signed is refused", async () => {
  const release = makeRelease(generateKeyPairSync("ed25519").privateKey);
  const { code, err } = await release.verify();
  assert.equal(code, 1);
  assert.match(err, /by another key/);
});

test("no bit of a signature can be another", (t) => {
  const { privateKey } = generateKeyPairSync("ed25519");
  const key = readReleaseKey(printReleaseKey(privateKey));
  assert.ok(typeof key !== "string");
  const text = Buffer.from("text\n");
  const good = printReleaseSignature(text, "comment", privateKey);
  assert.deepEqual(readReleaseSignature(text, good, key), { comment: "comment" });
  let changed = 0;
  for (let at = good.indexOf("\n") + 1; at < good.length; at++) {
    for (const bit of [1, 32]) {
      const bytes = Buffer.from(good);
      bytes[at]! ^= bit;
      assert.ok(
        "problem" in readReleaseSignature(text, bytes.toString("latin1"), key),
        `byte ${at}, bit ${bit}`,
      );
      changed++;
    }
  }
  t.diagnostic(`${changed} signatures`);
});

test("minisign takes what we sign, and we take what it signs", { skip: missing("minisign") }, async () => {
  const { at, key, verify, sums } = makeRelease();
  const run = (...args: readonly string[]) => spawnSync("minisign", args, { encoding: "utf8" });
  const ours = run("-V", "-p", key, "-m", at("SHA256SUMS"));
  assert.equal(ours.status, 0, ours.stderr);
  assert.match(ours.stdout, /Trusted comment: zion-edge 1/);

  const secret = `${key}.secret`;
  rmSync(key);
  assert.equal(run("-G", "-W", "-p", key, "-s", secret).status, 0);
  const theirs = run("-S", "-s", secret, "-m", at("SHA256SUMS"), "-t", "by minisign");
  assert.equal(theirs.status, 0, theirs.stderr);
  assert.deepEqual(readSums(sums), readSums(readFileSync(at("SHA256SUMS"), "utf8")));
  const { code, out, err } = await verify();
  assert.equal(code, 0, err);
  assert.match(out, /as signed: by minisign/);
});

function missing(program: string): string | false {
  if (process.env["CI"] !== undefined) return false;
  return spawnSync(program, ["-v"]).error === undefined ? false : `${program} is missing`;
}
