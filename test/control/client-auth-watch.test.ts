import assert from "node:assert/strict";
import { test } from "node:test";
import type { ClientAuthConfig, TlsConfig } from "../../src/config/config.ts";
import { watchClientAuth } from "../../src/control/client-auth-watch.ts";
import { labelNames } from "../../src/control/series-cap.ts";
import { packSerials } from "../../src/identity/serial-set.ts";
import { goodConfig, minimal } from "../support/config-case.ts";
import { openExposition } from "../support/exposition.ts";

const rules = (serials: readonly string[], nextUpdateMs: number): ClientAuthConfig => ({
  mode: "required",
  caPem: "one",
  names: [],
  revocation: {
    enforced: true,
    lists: [
      { signer: "a", nextUpdateMs, serials: packSerials(serials) },
      { signer: "b", nextUpdateMs: undefined, serials: packSerials([]) },
      { signer: "c", nextUpdateMs: nextUpdateMs + 1000, serials: packSerials([]) },
    ],
  },
});
const emptyPair = { certPath: "", keyPath: "", certPem: "", keyPem: "" };
const tls = (clientAuth?: ClientAuthConfig): TlsConfig =>
  ({ sni: [], ...(clientAuth === undefined ? {} : { clientAuth }) }) as unknown as TlsConfig;

test("the end of the first list is told, and a change of the rules, not their first appearance nor a reload without one", () => {
  const told: [string, number, readonly string[]][] = [];
  let changes = 0;
  const watch = watchClientAuth(
    { set: (name, value, labels) => void told.push([name, value, labels ?? []]) },
    () => changes++,
  );
  watch.adopt(tls(rules(["1"], 5000)));
  assert.deepEqual(told, [["clientCrlNextUpdate", 5, ["default"]]]);
  watch.adopt(tls(rules(["1"], 5000)));
  assert.equal(changes, 0);
  for (const next of [rules(["1", "2"], 5000), rules(["1", "2"], 9000), { ...rules([], 9000), caPem: "two" }])
    watch.adopt(tls(next));
  assert.equal(changes, 3);
  watch.adopt(tls());
  watch.adopt(undefined);
  assert.equal(changes, 4);
});

test("of a server name whose lists a reload removed, no end is told any more", async () => {
  const exposition = openExposition();
  const watch = watchClientAuth(exposition, () => {});
  const both: TlsConfig = {
    ...tls(rules(["1"], 5000)),
    sni: [{ ...emptyPair, serverName: "a.test", clientAuth: rules(["1"], 7000) }],
  };
  const config = goodConfig(minimal);
  const told = async () => {
    const text = await exposition.print("text");
    return text.match(/^zion_tls_client_crl_next_update_timestamp_seconds\S* \S+$/gm) ?? [];
  };
  const family = "zion_tls_client_crl_next_update_timestamp_seconds";
  // As a reload does.
  const reload = (next: TlsConfig) => {
    watch.adopt(next);
    exposition.retain(labelNames({ ...config, tls: next }));
  };
  reload(both);
  assert.deepEqual(await told(), [`${family}{name="default"} 5`, `${family}{name="a.test"} 7`]);
  reload(tls(rules(["1"], 5000)));
  assert.deepEqual(await told(), [`${family}{name="default"} 5`]);
  reload(tls());
  assert.deepEqual(await told(), []);
});
