import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ApiKeyRing, digestApiKey, makeApiKey, readApiKeyEntry } from "../../src/identity/api-key.ts";
import { CREDENTIALS_MAX, readCredentialFile } from "../../src/identity/credential-file.ts";
import { Identity } from "../../src/identity/identity.ts";
import { PasswordBook } from "../../src/identity/password-book.ts";
import { isPassword, makeUserLine, readUserEntry, type UserEntry } from "../../src/identity/password-hash.ts";
import { PasswordLane } from "../../src/identity/password-lane.ts";
import { Remembered } from "../../src/identity/remembered.ts";

const sha = "0".repeat(64);
const salt = "A".repeat(22);
const digest = "A".repeat(43);
const scrypt = (cost: string): string => `ann:$scrypt$${cost}$${salt}$${digest}`;

test("lines of API keys and users are read, comments and empty lines passed over", () => {
  const text = `# keys\r\n\nci ${sha} read write\n  ops\t${sha}  \r\n`;
  assert.deepEqual(readCredentialFile(text, readApiKeyEntry), [
    { name: "ci", sha256: sha, scopes: ["read", "write"] },
    { name: "ops", sha256: sha, scopes: [] },
  ]);
  assert.deepEqual(readCredentialFile(scrypt("ln=15,r=8,p=3"), readUserEntry), [
    { name: "ann", logN: 15, blockSize: 8, parallel: 3, salt, digest },
  ]);
});

const bad: readonly (readonly [what: string, line: string, read: (line: string) => object | string])[] = [
  ["a key in place of its hash", "ci zion_abc", readApiKeyEntry],
  ["a hash in upper case", `ci ${"A".repeat(64)}`, readApiKeyEntry],
  ["a hash that is cut off", `ci ${sha.slice(1)}`, readApiKeyEntry],
  ["an id that ends a field", `ci\u0085 ${sha}`, readApiKeyEntry],
  ["no id", sha, readApiKeyEntry],
  ["a password as it is", "ann:secret", readUserEntry],
  ["MD5 of Apache", "ann:$apr1$abc$def", readUserEntry],
  ["no name", scrypt("ln=15,r=8,p=1").slice(3), readUserEntry],
  ["a cost that is too low", scrypt("ln=13,r=8,p=1"), readUserEntry],
  ["a block that is too small", scrypt("ln=16,r=4,p=1"), readUserEntry],
  ["a cost above the memory there is", scrypt("ln=18,r=8,p=1"), readUserEntry],
  ["a cost beyond all numbers", scrypt("ln=99,r=8,p=1"), readUserEntry],
  ["no lane", scrypt("ln=15,r=8,p=0"), readUserEntry],
];
for (const [what, line, read] of bad)
  test(`a line with ${what} refuses the file, at its line`, () => {
    const found = readCredentialFile(`# first\n${line}\n`, read as never);
    assert.ok("problem" in found && found.line === 2, JSON.stringify(found));
  });

test("a name that stands there twice, and more entries than can be, refuse the file", () => {
  assert.deepEqual(readCredentialFile(`a ${sha}\nb ${sha}\na ${sha}`, readApiKeyEntry), {
    line: 3,
    problem: "its name stands in the file twice",
  });
  const many = Array.from({ length: CREDENTIALS_MAX + 1 }, (_none, i) => `k${i} ${sha}\n`).join("");
  assert.match(JSON.stringify(readCredentialFile(many, readApiKeyEntry)), /more than 100,000/);
});

test("no text makes the readers throw, and what they take, they take whole", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 200 }), (text) => {
      for (const read of [readApiKeyEntry, readUserEntry]) {
        const found = readCredentialFile(text, read as never);
        assert.ok("problem" in found || found.length <= text.split("\n").length);
      }
    }),
  );
});

test("of any keys, each opens for its owner and nothing else does", () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.string({ minLength: 1, maxLength: 40 }), { minLength: 2, maxLength: 20 }),
      (keys) => {
        const [last, ...known] = keys.map((key) => Buffer.from(key, "latin1"));
        const entries = known.map((key, i) => ({
          name: `k${i}`,
          sha256: digestApiKey(key.toString("latin1")),
          scopes: [],
        }));
        // Digests are of bytes; keys outside ASCII have two readings, and are not made.
        const ring = new ApiKeyRing(entries, undefined);
        for (const [i, key] of known.entries()) {
          if (!/^[\x20-\x7e]+$/.test(key.toString("latin1"))) continue;
          const found = ring.verify(key, 0, key.length);
          assert.ok(
            found instanceof Identity && found.apiKeyId === `k${i}` && found.claim("sub") === `k${i}`,
          );
        }
        assert.ok(!(ring.verify(last!, 0, last!.length) instanceof Identity));
      },
    ),
  );
});

test("made keys have 256 bits, and no two are the same", () => {
  const keys = new Set(Array.from({ length: 100 }, makeApiKey));
  assert.equal(keys.size, 100);
  for (const key of keys) assert.equal(Buffer.from(key.slice("zion_".length), "base64url").length, 32);
});

function entry(line: string): UserEntry {
  const found = readUserEntry(line);
  assert.ok(typeof found !== "string", String(found));
  return found;
}

test("a password is good for its user, byte for byte, and is derived once", async () => {
  const user = entry(await makeUserLine("ann", "pässwörd: with colons"));
  assert.equal(await isPassword(user, Buffer.from("pässwörd: with colons")), true);
  const lane = new PasswordLane();
  let derived = 0;
  const counted = {
    run<T>(work: () => Promise<T>) {
      derived++;
      return lane.run(work);
    },
  } as unknown as PasswordLane;
  const book = new PasswordBook([user], "X-Auth-Subject", counted);
  const ask = async (text: string) => {
    const bytes = Buffer.from(Buffer.from(text).toString("base64"));
    return await book.verify(bytes, 0, bytes.length);
  };
  for (let i = 0; i < 3; i++) {
    const found = await ask("ann:pässwörd: with colons");
    assert.ok(found instanceof Identity && found.subject === "ann");
  }
  assert.equal(derived, 1);
  for (const wrong of [
    "ann:pässwörd: with colon",
    "ann:",
    "Ann:pässwörd: with colons",
    ":pässwörd: with colons",
  ])
    assert.ok(!((await ask(wrong)) instanceof Identity), wrong);
  assert.equal(derived, 5, "an unknown name costs as much as a wrong password");
});

test("a lane runs two at once, keeps 64 waiting in their order, and turns the others away", async () => {
  const lane = new PasswordLane();
  const ends: (() => void)[] = [];
  const begun: number[] = [];
  const runs = Array.from({ length: 70 }, (_none, i) =>
    lane.run(() => {
      begun.push(i);
      return new Promise<number>((resolve) => ends.push(() => resolve(i)));
    }),
  );
  assert.deepEqual([begun, lane.turnedAway], [[0, 1], 4]);
  while (begun.length < 66) {
    ends.shift()!();
    await new Promise((resolve) => setImmediate(resolve));
  }
  for (const end of ends) end();
  const results = await Promise.all(runs);
  assert.deepEqual(
    results.slice(0, 66),
    Array.from({ length: 66 }, (_none, i) => i),
  );
  assert.deepEqual(results.slice(66), [undefined, undefined, undefined, undefined]);
  assert.deepEqual(
    begun,
    Array.from({ length: 66 }, (_none, i) => i),
  );
});

test("a lane goes on after work that failed", async () => {
  const lane = new PasswordLane();
  for (let i = 0; i < 5; i++) await assert.rejects(lane.run(() => Promise.reject(new Error("no memory"))));
  assert.equal(await lane.run(async () => 1), 1);
});

test("what is remembered is bounded, and the newest half stays", () => {
  const remembered = new Remembered<number>(10);
  for (let i = 0; i < 1000; i++) {
    remembered.add(String(i), i);
    assert.equal(remembered.get(String(i)), i);
  }
  const kept = Array.from({ length: 1000 }, (_none, i) => i).filter(
    (i) => remembered.get(String(i)) !== undefined,
  );
  assert.ok(kept.length >= 10 && kept.length <= 20 && kept[0]! >= 980, kept.join());
  remembered.clear();
  assert.equal(remembered.get("999"), undefined);
});
