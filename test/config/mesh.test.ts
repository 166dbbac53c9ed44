import assert from "node:assert/strict";
import { test } from "node:test";
import { codesAt, goodConfig, minimal, withFiles } from "../support/config-case.ts";

const seed = "11".repeat(32);
/** Of `seed`. */
const own = "d04ab232742bb4ab3a1368bd4615e4e6d0224ab71a016baf8520a332c9778737";
/** RFC 8032 §7.1, tests 1 and 2. */
const ann = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
const ben = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c";
const files = {
  "/id": `${seed}\n`,
  "/cluster": `${"22".repeat(32)}\n`,
  "/keys": `# edges\n${ann} berlin\n\n${ben}\n`,
  "/wrong": "edge2.example.com\n",
  "/both": `${"22".repeat(32)}\n${"33".repeat(32)}\n`,
};
const store = `${minimal.replace("[upstream.app]", 'state_dir = "/state"\n\n[upstream.app]')}[valkey]\nurl = "redis://127.0.0.1"\n`;
/** The table is on line 14, its own keys from line 18. */
const withMesh = (lines: string, table = "mesh"): string =>
  `${store}[${table}]\nenabled = true\nidentity_path = "/id"\ncluster_key_path = "/cluster"\n${lines}\n`;

test("keys are read from files and lines; the secret ones stay where they are", () => {
  const { mesh } = goodConfig(
    withMesh(`trusted_keys = ["/keys", "${own.toUpperCase()} berlin"]\nscore_deny_above = 0.97`),
    withFiles(files),
  );
  assert.match(mesh!.clusterKeyMark, /^[0-9a-f]{16}$/);
  assert.deepEqual(mesh, {
    cluster: "zion",
    id: own,
    identityPath: "/id",
    previousIdentityPath: undefined,
    clusterKeyPath: "/cluster",
    clusterKeyMark: mesh!.clusterKeyMark,
    trusted: [
      { id: ann, operator: "berlin" },
      { id: ben, operator: ben },
      { id: own, operator: "berlin" },
    ],
    revocation: [],
    trustsFirstUse: false,
    hashesAddresses: false,
    quorum: 3,
    quorumScore: 9500,
    denyAbove: 9700,
    bans: false,
    banSecs: 600,
    ejectsUpstreams: false,
    claimTtlSecs: 600,
    antiEntropySecs: 20,
    claimsPerSec: 1000,
    claimBurst: 256,
  });
  assert.ok(!JSON.stringify(mesh).includes(seed));
});

test("the reference gateway's table is taken, and what it says of sockets is warned of", () => {
  const text = withMesh(
    `listen = "127.0.0.1:9443"\npeers = []\nxdp_block_threshold = 0.9\ninbound_claims_per_sec = 500\ntrusted_keys = ["${ann}"]`,
    "sovereign_aimp",
  );
  assert.deepEqual(codesAt(text, withFiles(files)), ["Z2108 18:10", "Z2108 19:9", "Z2108 20:23"]);
  assert.equal(goodConfig(text, withFiles(files)).mesh?.claimsPerSec, 500);
  assert.equal(goodConfig(`${minimal}[sovereign_aimp]\nenabled = false\n`).mesh, undefined);
});

test("its threshold for refusals is the mesh's", () => {
  const enforce = "[sovereign.enforce]\nmesh_score_deny_above = 0.96\n";
  assert.equal(
    goodConfig(`${withMesh('quorum = 2\ntrusted_keys = ["/keys"]')}${enforce}`, withFiles(files)).mesh
      ?.denyAbove,
    9600,
  );
  assert.deepEqual(codesAt(`${minimal}${enforce}`), ["Z2108 11:25"]);
});

const cases: readonly (readonly [title: string, lines: string, ...found: string[]])[] = [
  ["a key that is none", 'trusted_keys = ["/wrong"]', "Z1317 18:17"],
  ["a key whose signatures fit everything", `trusted_keys = ["${"00".repeat(32)}"]`, "Z1317 18:17"],
  ["a file of keys that is not there", 'trusted_keys = ["/none"]', "Z1301 18:17"],
  [
    "an edge that may revoke others",
    `trusted_keys = ["/keys"]\nrevocation_pubkeys = ["${ann}"]`,
    "Z1214 19:23",
  ],
  ["a quorum that nobody can reach", "ban = true\nquorum = 2", "Z2108 19:10"],
  ["a quorum of one", "ban = true\nquorum = 1", "Z2119 19:10"],
  ["a former key that is none", 'previous_identity_path = "/wrong"', "Z1317 18:26"],
];
for (const [title, lines, ...found] of cases)
  test(`points at ${title}`, () => {
    assert.deepEqual(codesAt(withMesh(lines), withFiles(files)), found);
  });

test("points at a mesh without a store, without keys, and with keys that others can read", () => {
  const text = `${minimal}[mesh]\nenabled = true\n`;
  assert.deepEqual(codesAt(text), ["Z1046 10:2", "Z1046 10:2"]);
  assert.deepEqual(codesAt(withMesh(""), withFiles(files, { "/cluster": 0o100644, "/id": 0o100604 })), [
    "Z1314 16:17",
    "Z1314 17:20",
  ]);
  const twice = `${withMesh("")}[sovereign_aimp]\nenabled = true\n`;
  assert.deepEqual(codesAt(twice, withFiles(files)), ["Z1214 19:2"]);
  const bare = withMesh("trust_on_first_use = true").replace('state_dir = "/state"\n', "\n");
  assert.deepEqual(codesAt(bare, withFiles(files)), ["Z1046 18:22"]);
});

test("a cluster key that is exchanged has two lines", () => {
  const text = withMesh("").replace("/cluster", "/both");
  assert.notEqual(goodConfig(text, withFiles(files)).mesh, undefined);
  assert.deepEqual(codesAt(withMesh("").replace("/cluster", "/wrong"), withFiles(files)), ["Z1317 17:20"]);
});
