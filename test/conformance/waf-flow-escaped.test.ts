import assert from "node:assert/strict";
import { test } from "node:test";
import { connect } from "../support/raw-client.ts";
import { startBench } from "./bench.ts";
import { attacks, json, multipart, named, part, postRequest, unicode } from "./waf-bypass-request.ts";

// A reader reports 8 KiB of *resolved* text at a time: six bytes for one in JSON, twelve in XML. The lag is by type.

test("of an attack in escapes nothing reaches the upstream while the body flows", async (t) => {
  const { edge, origin } = await startBench(t, { waf: true, route: 'body = "stream"' });
  const [, attack] = attacks[0]!;
  const words = "It was a bright cold day in April. ".repeat(2000);
  const references = (text: string): string =>
    [...text].map((char) => `&#x${char.charCodeAt(0).toString(16).padStart(8, "0")};`).join("");
  for (const [name, type, body, end] of [
    ["json", json, `{"q":"${unicode(attack)}${unicode(words)}"}`, 310],
    ["graphql", json, `{"query":"{ a(b: \\"${unicode(attack)}${unicode(words)}\\") }"}`, 330],
    ["xml", "text/xml", `<a>${references(attack)}${references(words)}</a>`, 640],
    [
      "part",
      multipart,
      `${part(`${named}\r\nContent-Type: application/json`, `{"q":"${unicode(attack)}${unicode(words)}"}`)}--b0--\r\n`,
      420,
    ],
  ] as const) {
    const bytes = postRequest(type, body, `X-Case: ${name}`);
    const client = await connect(edge.port);
    const pieces = [];
    for (let at = 0; at < bytes.length; at += 4000) pieces.push(bytes.subarray(at, at + 4000));
    await client.sendPieces(pieces);
    assert.equal((await client.answer("POST"))?.status, 400, name);
    client.destroy();
    const seen = origin.requests.find(({ fields }) =>
      fields.some(([field, value]) => field === "x-case" && value === name),
    );
    assert.ok(
      (seen?.bodyBytes() ?? 0) < end,
      `${name}: ${seen?.bodyBytes()} bytes were forwarded, the attack ends before ${end}`,
    );
  }
});
