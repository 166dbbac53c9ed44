import assert from "node:assert/strict";
import { test } from "node:test";
import { benignTexts } from "./markup-benign.ts";
import { kindsOf, markupDetectors, quietKinds } from "./markup-detectors.ts";

test("ordinary texts, code and markup in body fields are silent at sensitivity 1", () => {
  assert.ok(benignTexts.length >= 150);
  const alarms = benignTexts.flatMap((text) =>
    markupDetectors.flatMap((detector) =>
      kindsOf(detector, text)
        .filter((kind) => !quietKinds.has(kind))
        .map((kind) => `${kind}: ${text}`),
    ),
  );
  assert.deepEqual(alarms, []);
});
