import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { writeAuthority } from "../../src/http/authority.ts";
import { CanonicalRequest } from "../../src/http/request.ts";
import { hostCases } from "../conformance/host-cases.ts";

interface Reading {
  readonly reason?: string;
  readonly host?: string;
  readonly port?: number;
}

/** Reads `authority` with bytes around it that must not be read, behind a byte in a small arena. */
function read(authority: string): Reading {
  const request = new CanonicalRequest(4, 1);
  request.arena.write(".", "latin1");
  request.arenaEnd = 1;
  request.port = 7;
  const source = Buffer.from(`[${authority}@]:1`, "latin1");
  const reason = writeAuthority(source, 1, source.length - 4, request);
  if (reason !== undefined) return { reason: reason.code };
  assert.equal(request.arenaEnd, request.hostEnd);
  return { host: request.text(request.hostStart, request.hostEnd), port: request.port };
}

for (const { authority, host, port, reason } of hostCases) {
  const shown = JSON.stringify(authority.length > 60 ? `${authority.slice(0, 60)}...` : authority);
  test(`authority ${shown} ${reason ? `is refused as ${reason}` : `names ${host?.slice(0, 60)}, port ${port}`}`, () => {
    assert.deepEqual(read(authority), reason ? { reason } : { host, port });
  });
}

test("an accepted authority reads the same a second time, and as a URL's", () => {
  const piece = fc.constantFrom(
    ..."a B 0 1 9 - _ . . : : [ ] :: ::1 1.2.3.4 255 0x 7f x @ % ~ 80 443 65536 test xn--a é ff".split(" "),
  );
  let passed = 0;
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 7 }), (pieces) => {
      const authority = pieces.join("");
      const once = read(authority);
      if (once.host === undefined) return;
      passed++;
      assert.deepEqual(read(once.host), { host: once.host, port: -1 });
      // `xn--` labels that are no Punycode are names to us and errors to WHATWG; IPv6 text is compressed there.
      const url = URL.parse(`foo://${authority}/`);
      if (once.host.includes("xn--") || url === null) return;
      assert.equal(url.port, once.port === -1 ? "" : String(once.port));
      if (!once.host.startsWith("[")) {
        const web = URL.parse(`http://${once.host}/`);
        assert.equal(web?.hostname, once.host);
      }
    }),
    { numRuns: 10_000 },
  );
  assert.ok(passed > 500, `only ${passed} authorities were accepted: the property says little`);
});

test("no bytes make the parser throw", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      const request = new CanonicalRequest(4, 1);
      writeAuthority(bytes, 0, bytes.length, request);
    }),
    { numRuns: 5_000 },
  );
});
