import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { F } from "../../src/http/field.ts";
import { CanonicalRequest, FIELD_ID, FIELD_SLOTS, VALUE_END, VALUE_START } from "../../src/http/request.ts";
import { buildAddressSet, parseAddress, parseCidr } from "../../src/identity/address.ts";
import { readPeer, resolveClientAddress } from "../../src/identity/client-address.ts";
import { spoofMatrix } from "./spoof-matrix.ts";

const trusted = buildAddressSet(["10.0.0.0/8", "2001:db8:ffff::/48"].map((text) => parseCidr(text)!));

/** A request with these X-Forwarded-For lines, each between fields that look like it but are not. */
function requestWith(lines: readonly string[]): CanonicalRequest {
  const request = new CanonicalRequest(64, 64);
  const add = (id: number, value: string) => {
    request.reserve(value.length + 2);
    const at = request.fieldCount++ * FIELD_SLOTS;
    request.fields[at + FIELD_ID] = id;
    request.fields[at + VALUE_START] = request.arenaEnd;
    request.arenaEnd += request.arena.write(value, request.arenaEnd, "latin1");
    request.fields[at + VALUE_END] = request.arenaEnd;
    request.arenaEnd += request.arena.write("\r\n", request.arenaEnd, "latin1");
    if (request.firstField[id]! < 0) request.firstField[id] = request.fieldCount - 1;
  };
  add(F.xRealIp, "192.0.2.66");
  for (const line of lines) {
    add(F.xForwardedFor, line);
    add(F.xRealIp, "192.0.2.66");
  }
  return request;
}

function resolve(peer: string, lines: readonly string[]) {
  return resolveClientAddress(requestWith(lines), readPeer(peer, trusted)!, trusted);
}

for (const { title, peer, lines, client, malformed = false } of spoofMatrix) {
  test(`${title}: the client is ${client}${malformed ? ", the chain malformed" : ""}`, () => {
    const resolved = resolve(peer, lines);
    assert.equal(resolved.text, client);
    assert.deepEqual(resolved.address, parseAddress(client));
    assert.equal(resolved.malformed, malformed);
  });
}

test("a peer that is its own client costs no new object", () => {
  const peer = readPeer("203.0.113.9", trusted)!;
  assert.equal(resolveClientAddress(requestWith(["127.0.0.1"]), peer, trusted), peer);
  const proxy = readPeer("10.0.0.1", trusted)!;
  assert.equal(resolveClientAddress(requestWith([]), proxy, trusted), proxy);
});

test("the facts of a peer are canonical, and its zone is no part of them", () => {
  assert.deepEqual(readPeer("::ffff:10.1.2.3", trusted), {
    text: "10.1.2.3",
    address: parseAddress("10.1.2.3"),
    malformed: false,
    trusted: true,
  });
  assert.equal(readPeer("fe80::1%eth0", trusted)?.text, "fe80::1");
  assert.equal(readPeer("2001:db8::1", trusted)?.trusted, false);
  assert.equal(readPeer(undefined, trusted), undefined);
  assert.equal(readPeer("", trusted), undefined);
});

test("nothing that a client puts before its proxy's hop changes who it is", () => {
  const piece = fc.constantFrom(
    ..."10.0.0.2 127.0.0.1 1.1.1.1 unknown , , [ ] :80 ::1 % x".split(" "),
    " ",
    '"',
  );
  const line = fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join(""));
  fc.assert(
    fc.property(fc.array(line, { maxLength: 4 }), fc.boolean(), (forged, sameLine) => {
      const own = sameLine ? [`${forged.join(",")},198.51.100.7`] : [...forged, "198.51.100.7"];
      assert.equal(resolve("10.0.0.1", own).text, "198.51.100.7");
      assert.equal(resolve("203.0.113.9", own).text, "203.0.113.9");
    }),
    { numRuns: 3_000 },
  );
});
