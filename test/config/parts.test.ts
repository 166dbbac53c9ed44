import assert from "node:assert/strict";
import { test } from "node:test";
import { changesBetween, printChanges } from "../../src/config/changes.ts";
import { createPartStore, cutConfig, manifestHash } from "../../src/config/parts.ts";
import { goodConfig, minimal } from "../support/config-case.ts";

const routes = (...paths: string[]) =>
  paths
    .map((path) => `[[route]]\npath = "${path}"\nname = "${path.slice(1)}"\nupstream = "app"\n`)
    .join("\n");
const toml = `${minimal}\n${routes("/a", "/b")}`;

test("a configuration that was cut is put together as it was", () => {
  const config = goodConfig(toml);
  const { manifest, parts } = cutConfig(config);
  assert.deepEqual(createPartStore().assemble(manifest, parts), config);
});

test("parts that did not change keep their names, whatever stands around them", () => {
  const before = cutConfig(goodConfig(toml));
  // The arrow makes another kind of string of the whole text.
  const after = cutConfig(goodConfig(`# →\n${toml.replace('"/b"', '"/c"')}`));
  const isNew = [...after.parts.keys()].filter((name) => !before.parts.has(name));
  assert.equal(isNew.length, 1);
  assert.equal(
    manifestHash(cutConfig(goodConfig(`# other\n${toml}`)).manifest),
    manifestHash(before.manifest),
  );
});

test("in a store, what did not change is the same object in both generations", () => {
  const store = createPartStore();
  const before = cutConfig(goodConfig(toml));
  const old = store.assemble(before.manifest, before.parts);
  const after = cutConfig(goodConfig(toml.replace('"/b"', '"/c"')));
  const news = [...after.parts].filter(([name]) => !before.parts.has(name));
  const next = store.assemble(after.manifest, news);
  assert.equal(next.upstreams[0], old.upstreams[0]);
  assert.equal(next.waf.rules, old.waf.rules);
  assert.equal(next.routes[1], old.routes[1]);
  assert.notEqual(next.routes[2], old.routes[2]);
});

test("a part that is forgotten, or never came, is missed", () => {
  const store = createPartStore();
  const { manifest, parts } = cutConfig(goodConfig(toml));
  store.assemble(manifest, parts);
  store.keepOnly([manifest]);
  store.assemble(manifest, []);
  store.keepOnly([]);
  assert.throws(() => store.assemble(manifest, []), /did not arrive/);
});

test("bytes are named by what they hold", () => {
  const name = (bytes: Uint8Array) => {
    const config = { ...goodConfig(toml), limits: [bytes] as never };
    return cutConfig(config).manifest.find(({ name }) => name === "limits")!.parts[0]![1];
  };
  assert.equal(name(Uint8Array.of(1, 2)), name(Uint8Array.of(1, 2)));
  assert.notEqual(name(Uint8Array.of(1, 2)), name(Uint8Array.of(1, 3)));
});

const changes = (before: string, after: string) =>
  printChanges(changesBetween(cutConfig(goodConfig(before)).manifest, cutConfig(goodConfig(after)).manifest));

test("changes are told as operators write them", () => {
  assert.equal(changes(toml, `# a comment\n${toml}`), "nothing changed");
  assert.equal(
    changes(
      toml,
      `${minimal.replace("[upstream.app]", "max_headers = 32\n\n[upstream.app]")}\n${routes("/b", "/c")}`,
    ),
    "server.max_headers changed, route c added, route a removed",
  );
  const many = Array.from({ length: 25 }, (_, i) => `/r${i}`);
  assert.match(changes(minimal, `${minimal}\n${routes(...many)}`), /route r19 added, and 5 more$/);
});
