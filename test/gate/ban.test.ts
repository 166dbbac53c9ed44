import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { checkBan } from "../../src/gate/ban.ts";
import type { ClientList, ClientLists } from "../../src/gate/client-lists.ts";
import { OffenceWatch } from "../../src/gate/offence-watch.ts";
import { CanonicalRequest } from "../../src/http/request.ts";
import { formatAddress, parseAddress, parseCidr } from "../../src/identity/address.ts";
import { buildRangeTable } from "../../src/identity/range-table.ts";
import { reasons } from "../../src/reason.ts";

function from(address: string): CanonicalRequest {
  const request = new CanonicalRequest();
  request.clientAddress = formatAddress(parseAddress(address)!);
  request.clientIp = parseAddress(address)!;
  return request;
}

function tableOf(cidrs: readonly string[]) {
  return buildRangeTable(cidrs.map((cidr) => parseCidr(cidr)!));
}

function listOf(name: string, cidrs: readonly string[]): ClientList {
  return { name, ranges: tableOf(cidrs), userAgents: [], isSlow: false, counts: { matches: 0 } };
}

/** Few networks, so that addresses, bans and lists meet. */
const address = fc.tuple(fc.nat(2), fc.nat(3)).map(([net, host]) => `10.0.${net}.${host}`);
const block = fc.oneof(
  address,
  fc.nat(2).map((net) => `10.0.${net}.0/24`),
  fc.constant("10.0.0.0/31"),
);

test("who is on an exempt list is never banned, and an allow list makes nobody safe", () => {
  fc.assert(
    fc.property(address, fc.array(block), fc.array(block), fc.array(block), (client, bans, exempt, allow) => {
      const has = (cidrs: readonly string[]) =>
        cidrs.some((cidr) => {
          const { first, last } = parseCidr(cidr)!;
          const { w3 } = parseAddress(client)!;
          return first.w3 <= w3 && w3 <= last.w3;
        });
      const lists: ClientLists = {
        exempt: [listOf("exempt", exempt)],
        deny: [],
        allow: [listOf("allow", allow)],
      };
      const found = checkBan(from(client), { banned: tableOf(bans), watch: undefined }, lists, false);
      assert.equal(found, has(bans) && !has(exempt) ? reasons.banned : undefined);
    }),
  );
});

test("a worker tells who was refused for what, by address and /64, and who makes up its good traffic", () => {
  const watch = new OffenceWatch();
  assert.equal(watch.tell(), undefined);
  for (let i = 0; i < 3; i++) watch.note(from(`2001:db8:1:2::${i}`), reasons.wafPatterns, 403, false);
  watch.note(from("192.0.2.1"), reasons.rateLimited, 403, false);
  watch.note(from("192.0.2.1"), reasons.inFlightAddress, 403, false);
  // What may be a mistake, what was banned already, shadows and errors count for nothing.
  for (const reason of [reasons.wafContentType, reasons.banned, reasons.routeNotFound, reasons.listDenied])
    watch.note(from("192.0.2.2"), reason, 403, false);
  watch.note(from("192.0.2.2"), undefined, 200, true);
  watch.note(from("192.0.2.2"), undefined, 404, false);
  for (let i = 0; i < 6; i++) watch.note(from("198.51.100.1"), undefined, 200, false);
  for (let i = 0; i < 2; i++) watch.note(from(`2001:db8:9:9::${i}`), undefined, 200, false);
  const report = watch.tell()!;
  assert.deepEqual(
    [...report.offenders],
    [
      ["2001:db8:1:2::/64", { waf: 3, limit: 0 }],
      ["192.0.2.1", { waf: 0, limit: 2 }],
    ],
  );
  assert.deepEqual(
    [...report.shares],
    [
      ["2001:db8:9:9::/64", 0.25],
      ["198.51.100.1", 0.75],
    ],
  );
  assert.deepEqual([report.allowed, report.dropped], [8, 0]);
  assert.equal(watch.tell(), undefined);
});

test("a report is bounded, whoever floods", () => {
  const watch = new OffenceWatch();
  for (let i = 0; i < 10_000; i++)
    watch.note(from(`10.1.${i >> 8}.${i & 255}`), reasons.rateLimited, 403, false);
  const report = watch.tell()!;
  assert.deepEqual([report.offenders.size, report.dropped], [4096, 5904]);
});
