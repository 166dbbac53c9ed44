import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { newDirectory } from "../support/directory.ts";
import { writeMmdb } from "../support/mmdb-writer.ts";
import { ask, field } from "../support/raw-client.ts";
import { benchConfig, startBench } from "./bench.ts";
import { get } from "./case.ts";

// Who may come in, by address and User-Agent. The clients are 127.0.0.x, or whom a trusted 127.0.0.1 speaks for.

const proxied = 'trusted_proxies = ["127.0.0.1"]';
const by = (address: string): string => get("/x", `X-Forwarded-For: ${address}`);

function listFile(text: string): string {
  const folder = newDirectory("list");
  const file = path.join(folder, "list.txt");
  writeFileSync(file, text);
  return file;
}

test("a client on a deny list is refused before it learns of routes, and the log names the list", async (t) => {
  const { edge, origin } = await startBench(t, {
    server: `${proxied}\nlists = ["bad"]`,
    tables: '[list.bad]\ncidrs = ["192.0.2.0/24", "2001:db8:bad::/48"]',
    route: 'hosts = ["a.test"]',
  });
  const elsewhere = by("192.0.2.9").replace("a.test", "b.test");
  for (const request of [by("192.0.2.9"), by("2001:db8:bad::1"), by("::ffff:192.0.2.1"), elsewhere]) {
    const answer = await ask(edge.port, request);
    assert.equal(answer.status, 403);
    assert.equal(field(answer, "connection"), "close");
    const line = await edge.logLine(field(answer, "x-request-id")!);
    assert.deepEqual([line["zion.reason"], line["zion.detail"]], ["list_denied", "bad"]);
  }
  assert.equal(origin.connections.length, 0);
  assert.equal(edge.metric("zion_list_matches_total", "bad"), 4);
  assert.equal(edge.metric("zion_reject_total", "list_denied"), 4);
  for (const address of ["192.0.3.0", "192.0.1.255", "2001:db8:bae::1", "198.51.100.7"])
    assert.equal((await ask(edge.port, by(address))).status, 200);
});

test("what a client says of itself puts nobody else's address on the scales", async (t) => {
  const { edge } = await startBench(t, {
    server: 'lists = ["office"]',
    tables: '[list.office]\naction = "allow"\ncidrs = ["192.0.2.0/24"]',
  });
  assert.equal((await ask(edge.port, by("192.0.2.9"))).status, 403);
});

test("with an allow list, everyone else is refused", async (t) => {
  const { edge } = await startBench(t, {
    server: `${proxied}\nlists = ["office", "vpn"]`,
    tables:
      '[list.office]\naction = "allow"\ncidrs = ["192.0.2.0/24"]\n[list.vpn]\naction = "allow"\ncidrs = ["198.51.100.7"]',
  });
  assert.equal((await ask(edge.port, by("192.0.2.9"))).status, 200);
  assert.equal((await ask(edge.port, by("198.51.100.7"))).status, 200);
  const answer = await ask(edge.port, by("198.51.100.8"));
  assert.equal(answer.status, 403);
  const line = await edge.logLine(field(answer, "x-request-id")!);
  assert.equal(line["zion.reason"], "list_not_allowed");
});

test("a chain that cannot be read lets nobody in by the proxy's address", async (t) => {
  const { edge } = await startBench(t, {
    server: `${proxied}\nlists = ["near"]`,
    tables: '[list.near]\naction = "allow"\ncidrs = ["127.0.0.0/8"]',
  });
  assert.equal((await ask(edge.port, get("/x"))).status, 200);
  for (const chain of ["unknown", "127.0.0.1, ", "1.2.3"])
    assert.equal((await ask(edge.port, by(chain))).status, 403, chain);
});

test("an exempt list lets its clients through a deny list, and through no other place's", async (t) => {
  const { edge } = await startBench(t, {
    server: `${proxied}\nlists = ["net", "partner"]`,
    route: 'lists = ["route_deny"]',
    tables: `[list.net]\ncidrs = ["192.0.2.0/24"]
[list.partner]\naction = "exempt"\ncidrs = ["192.0.2.0/30"]
[list.route_deny]\ncidrs = ["192.0.2.2"]`,
  });
  assert.equal((await ask(edge.port, by("192.0.2.1"))).status, 200);
  assert.equal((await ask(edge.port, by("192.0.2.2"))).status, 403);
  assert.equal((await ask(edge.port, by("192.0.2.9"))).status, 403);
});

test("a list of a route is for that route only", async (t) => {
  const { edge } = await startBench(t, {
    server: proxied,
    tables:
      '[[route]]\npath = "/admin"\nupstream = "app"\nwaf = false\nlists = ["office"]\n[list.office]\naction = "allow"\ncidrs = ["192.0.2.0/24"]',
  });
  const admin = (address: string): string => by(address).replace("/x", "/admin");
  assert.equal((await ask(edge.port, admin("192.0.2.9"))).status, 200);
  assert.equal((await ask(edge.port, admin("198.51.100.7"))).status, 403);
  assert.equal((await ask(edge.port, by("198.51.100.7"))).status, 200);
});

test("a User-Agent on a list, in any case", async (t) => {
  const { edge } = await startBench(t, {
    server: 'lists = ["tools"]',
    tables: '[list.tools]\nuser_agents = ["EvilBot/"]',
  });
  const as = (agent: string): string => get("/x", `User-Agent: ${agent}`);
  assert.equal((await ask(edge.port, as("Mozilla/5.0 (compatible; evilbot/2.1)"))).status, 403);
  assert.equal((await ask(edge.port, as("evilbo"))).status, 200);
  assert.equal((await ask(edge.port, get("/x"))).status, 200);
});

test("a list file is read again at a reload; one that is damaged leaves the old list in force", async (t) => {
  const file = listFile("# bad ones\n192.0.2.9\n");
  const options = {
    server: `${proxied}\nlists = ["bad"]`,
    tables: `[list.bad]\nfile = ${JSON.stringify(file)}`,
  };
  const { edge, origin } = await startBench(t, options);
  const config = benchConfig(origin.port, options);
  assert.equal((await ask(edge.port, by("192.0.2.9"))).status, 403);
  writeFileSync(file, "192.0.2.8\n");
  edge.reload(config);
  assert.equal((await ask(edge.port, by("192.0.2.9"))).status, 200);
  assert.equal((await ask(edge.port, by("192.0.2.8"))).status, 403);
  writeFileSync(file, "192.0.2.7\n<html>503</html>\n");
  assert.throws(() => edge.reload(config), /Z1308.*line 2/s);
  assert.equal((await ask(edge.port, by("192.0.2.8"))).status, 403);
  assert.equal(edge.metric("zion_list_matches_total", "bad"), 3);
});

test("clients of a country or a network operator, as the database of the last good reload has it", async (t) => {
  const file = listFile("");
  const german = (cidr: string) => writeMmdb([[cidr, { country: { iso_code: "DE" }, asn: 64_500 }]]);
  const options = {
    server: `${proxied}\nlists = ["german", "operator"]`,
    tables: `[list.german]\ncountries = ["DE"]\n[list.operator]\naction = "exempt"\nasns = [64501]
[geo]\ncountry_db = ${JSON.stringify(file)}\nasn_db = ${JSON.stringify(file)}`,
  };
  writeFileSync(file, german("192.0.2.0/24"));
  const { edge, origin } = await startBench(t, options);
  const config = benchConfig(origin.port, options);
  const status = async (address: string) => (await ask(edge.port, by(address))).status;
  assert.deepEqual([await status("192.0.2.9"), await status("198.51.100.7")], [403, 200]);
  writeFileSync(file, german("198.51.100.0/24"));
  edge.reload(config);
  assert.deepEqual([await status("192.0.2.9"), await status("198.51.100.7")], [200, 403]);
  writeFileSync(file, german("192.0.2.0/24").subarray(0, -40));
  assert.throws(() => edge.reload(config), /Z1309/);
  assert.deepEqual([await status("192.0.2.9"), await status("198.51.100.7")], [200, 403]);
  // The same network also belongs to an operator that is exempt.
  writeFileSync(file, writeMmdb([["198.51.100.0/24", { country: "DE", asn: 64_501 }]]));
  edge.reload(config);
  assert.equal(await status("198.51.100.7"), 200);
});

test("half a million blocks in a file keep out who is in them, and nobody beside", async (t) => {
  const lines: string[] = [];
  for (let i = 0; i < 500_000; i++)
    lines.push(`${16 + (i >>> 15)}.${(i >>> 7) & 255}.${(i & 127) << 1}.0/24`);
  const { edge } = await startBench(t, {
    server: `${proxied}\nlists = ["bad"]`,
    tables: `[list.bad]\nfile = ${JSON.stringify(listFile(lines.join("\n")))}`,
  });
  for (const block of [lines[0]!, lines[250_000]!, lines[499_999]!]) {
    const [a, b, c] = block.split(".").map(Number);
    assert.equal((await ask(edge.port, by(`${a}.${b}.${c}.255`))).status, 403);
    assert.equal((await ask(edge.port, by(`${a}.${b}.${c! + 1}.0`))).status, 200);
  }
});
