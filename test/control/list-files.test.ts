import assert from "node:assert/strict";
import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { writeMmdb } from "../support/mmdb-writer.ts";
import { config, type Gateway, request, startGateway, startUpstream, until } from "./gateway.ts";

// Files of lists and databases over real processes: nobody asks for a reload, and damage changes nothing.

function from(gateway: Gateway, client: string): Promise<number> {
  const headers = { "X-Forwarded-For": client };
  return request(gateway.port, "/", { headers }).then(({ status }) => status);
}

/** As operators should: whole, by renaming. */
function put(gateway: Gateway, name: string, contents: string | Uint8Array): void {
  const path = join(gateway.directory, name);
  writeFileSync(`${path}.new`, contents);
  renameSync(`${path}.new`, path);
}

test("a list file and a database that change are in force without being asked for; damaged ones are not", async (t) => {
  const upstream = await startUpstream(t);
  const tables = `[list.bad]
file = "DIRECTORY/bad.txt"
[list.embargo]
countries = ["AQ"]
[geo]
country_db = "DIRECTORY/country.mmdb"`;
  const toml = config(
    upstream.port,
    ["workers = 2", 'trusted_proxies = ["127.0.0.1"]', 'lists = ["bad", "embargo"]'],
    tables,
  );
  const country = (cidr: string) => writeMmdb([[cidr, { country: { iso_code: "AQ" } }]]);
  const gateway = await startGateway(t, {
    toml,
    files: { "bad.txt": "192.0.2.1\n", "country.mmdb": country("198.51.100.0/24") },
  });
  const all = async (client: string) =>
    new Set(await Promise.all(Array.from({ length: 10 }, () => from(gateway, client))));
  const isOut = async (client: string) => [...(await all(client))].join() === "403";
  assert.equal(await isOut("192.0.2.1"), true);

  put(gateway, "bad.txt", "192.0.2.2\n");
  await until("the new list is in force", () => isOut("192.0.2.2"));
  assert.deepEqual(await all("192.0.2.1"), new Set([200]));

  const refused = () =>
    gateway.log().filter((line) => line["event.name"] === "zion.config.reload" && line["level"] === "error");
  put(gateway, "bad.txt", "<html>503</html>\n");
  await until("the damaged list is refused", () => refused().length === 1);
  assert.match(String(refused()[0]!["problem"]), /Z1308/);
  assert.equal(await isOut("192.0.2.2"), true);

  put(gateway, "bad.txt", "192.0.2.3\n");
  await until("the repaired list is in force", () => isOut("192.0.2.3"));
  put(gateway, "country.mmdb", country("203.0.113.0/24").subarray(0, -50));
  await until("the damaged database is refused", () => refused().length === 2);
  assert.match(String(refused()[1]!["problem"]), /Z1309/);
  put(gateway, "country.mmdb", country("203.0.113.0/24"));
  await until("the new database is in force", () => isOut("203.0.113.7"));
});
