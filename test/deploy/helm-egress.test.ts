import assert from "node:assert/strict";
import { test } from "node:test";
import { type KeyDoc, keyDocs } from "../../src/config/keys.ts";
import { tableSchemas } from "../../src/config/schema.ts";
import { find, needsHelm, objectsOf, type Tree } from "./helm.ts";
import { cases } from "./helm-cases.ts";

/** The rules of the policy but the one for DNS, each as "peers -> ports". */
function egress(values: object): readonly string[] {
  const { spec } = find(objectsOf(values), "NetworkPolicy");
  return spec.egress.slice(1).map(({ to, ports }: Tree) => {
    const peers = (to ?? []).map(
      ({ ipBlock, namespaceSelector }: Tree) =>
        ipBlock?.cidr ?? namespaceSelector.matchLabels["kubernetes.io/metadata.name"],
    );
    return `${peers.join(" ")} -> ${(ports ?? []).map(({ port }: Tree) => port).join(" ")}`;
  });
}

const anywhere = (port: number) => `0.0.0.0/0 ::/0 -> ${port}`;

test("pods may reach what the configuration names, and nothing else", (t) => {
  if (!needsHelm(t)) return;
  assert.deepEqual(egress({}), []);
  assert.deepEqual(egress(cases["an upstream"]!), ["shop -> "]);
  assert.deepEqual(egress(cases["monitoring"]!), ["shop -> ", "observability -> "]);
  assert.deepEqual(egress(cases["limits of all pods together"]!), ["shop -> ", "gateways -> "]);
  assert.deepEqual(
    [...egress(cases["many peers"]!)].sort(),
    [
      " -> 80",
      anywhere(443),
      anywhere(6380),
      "10.0.9.9/32 -> 8080",
      "2001:db8::1/128 -> 8443",
      "gateways -> ",
    ].sort(),
  );
  assert.deepEqual(egress(cases["an audit log, ACME and secrets as files"]!), ["shop -> ", anywhere(443)]);
});

test("an external name does not open the addresses where clouds keep credentials", (t) => {
  if (!needsHelm(t)) return;
  const values = { config: { upstream: { api: { url: "https://api.example.org" } } } };
  const [, { to }] = find(objectsOf(values), "NetworkPolicy").spec.egress;
  assert.deepEqual(to[0].ipBlock.except, ["169.254.0.0/16"]);
});

test("what is no URL, or leads nowhere outside, opens nothing", (t) => {
  if (!needsHelm(t)) return;
  for (const url of [
    "unix:/run/a.sock",
    "http://127.0.0.1:1",
    "http://localhost",
    "http://[::1]:1",
    "x",
    "http://a b",
    "http://a:b",
    '"\n{{ }}',
    "http://",
  ])
    assert.deepEqual(egress({ config: { upstream: { a: { url } } } }), [], url);
});

test("every key of the configuration that names somebody to talk to is known to the policy", () => {
  const known = [
    "[upstream.NAME] url",
    "[upstream.NAME] urls",
    "[auth_profile.NAME] jwks_url",
    "[tracing] endpoint",
    "[valkey] url",
    "[audit] witness_url",
    "[tls.acme] directory_url",
    "[tls.acme.account.NAME] directory_url",
  ];
  const named = tableSchemas.flatMap(({ header, keys }) =>
    Object.entries(keys).flatMap(([name, schema]) => {
      const doc: KeyDoc | undefined = keyDocs.get(schema as never);
      return /\burls?\b/i.test(doc?.type ?? "") ? [`${header} ${name}`] : [];
    }),
  );
  assert.deepEqual(named.sort(), known.sort(), "templates/_egress.tpl reads these; add what is new there");
});
