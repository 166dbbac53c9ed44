import assert from "node:assert/strict";
import { openNote, readVkey, splitNotes } from "../../src/audit/note.ts";
import { readPolicy } from "../../src/audit/policy.ts";
import { renderDiagnostics } from "../../src/config/render.ts";
import { parseAddress, parseCidr } from "../../src/identity/address.ts";
import { readAddressList } from "../../src/identity/address-list.ts";
import { readToken } from "../../src/identity/token.ts";
import { decodeClaims, encodeClaims } from "../../src/mesh/claim-coding.ts";
import { readEnvelope } from "../../src/mesh/envelope.ts";
import { minimal, parseText, withFiles } from "../support/config-case.ts";
import type { Target } from "./target.ts";

const options = withFiles();

/** What operators, other edges and other services write. */
export const controlTargets: readonly Target[] = [
  {
    name: "config",
    covers: ["/src/config/"],
    seeds: [minimal, `${minimal}[waf_profile.default]\nmode = "shadow"\n[limit.x]\nrate = 5\nper_secs = 1\n`],
    words: [
      "[[route]]\n",
      "[server]\n",
      "[upstream.b]\n",
      'url = "http://',
      " = ",
      '"',
      "'''",
      "= true\n",
      "= -1\n",
      "9999999999999999999",
      "[limit.x]\n",
      '"""',
      "\\u0000",
    ],
    run(bytes) {
      const { config, diagnostics } = parseText(bytes, options);
      if (config === undefined) assert.ok(diagnostics.length > 0, "refused without a word");
      const text = renderDiagnostics(diagnostics, bytes.toString("utf8"), { color: false });
      // biome-ignore lint/suspicious/noControlCharactersInRegex: what must not reach a terminal
      assert.doesNotMatch(text, /[\x00-\x08\x0b-\x1f\x7f]/);
    },
  },
  {
    name: "audit-notes",
    covers: ["/src/audit/"],
    seeds: [
      "a.test/audit/x\n5\nAAAA\n\n\u2014 a.test/audit/x AAAA\n",
      '{"keys":[],"witnesses":[],"quorum":0}',
    ],
    words: ["\n", "\n\n", "\u2014 ", "+", "=", '"keys"', "{", "}"],
    run(bytes) {
      const text = bytes.toString("utf8");
      for (const note of splitNotes(text)) openNote(note, []);
      readVkey(text);
      readPolicy(text);
    },
  },
  {
    name: "claims",
    covers: ["/src/mesh/"],
    seeds: [
      "\x01\x10\x00\x00\x01\x02\x03\x04\x00\x00\x3c4\x01\x02\x03\x04\x00\x00",
      "\x09\x02ab",
      "\x01".repeat(200),
    ],
    words: ["\x01\x10", "\x02\x19", "\x00\x00\x01\x90", "\xff\xff"],
    run(bytes) {
      const decoded = decodeClaims(bytes);
      // One form only: what was read is printed back to the same bytes.
      if (decoded !== undefined && decoded.unknown === 0 && decoded.claims.length > 0)
        assert.deepEqual(encodeClaims(decoded.claims), bytes);
      readEnvelope(bytes);
    },
  },
  {
    name: "identities",
    covers: ["/src/identity/"],
    seeds: [
      "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhIn0.AAAA",
      "192.0.2.0/24\n2001:db8::/32 # x\n",
      "::ffff:1.2.3.4",
    ],
    words: [".", "eyJ", "/32", "::", "\n", "#", "=="],
    run(bytes) {
      const text = bytes.toString("latin1");
      readToken(bytes, 0, bytes.length);
      readAddressList(text);
      parseCidr(text);
      parseAddress(text);
    },
  },
];
