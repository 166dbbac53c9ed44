import assert from "node:assert/strict";
import { test } from "node:test";
import { isBareCommand } from "../../../src/waf/detect/shell-commands.ts";
import { addressOf } from "../../../src/waf/detect/url-address.ts";
import { DETECTIONS_MAX, type Detection, type Detector } from "../../../src/waf/detection.ts";
import { systemAttacks } from "./system-attacks.ts";
import { systemBenign } from "./system-benign.ts";
import { systemDetectors as detectors } from "./system-detectors.ts";
import { systemTexts } from "./system-texts.ts";
import { systemValues } from "./system-values.ts";
import { systemVariants } from "./system-variants.ts";

/** Kinds of rules that are active above sensitivity 1 only. */
const quiet = new Set(["lookup.environment", "path.relative_climb", "xml-attack.document_in_value"]);

/** Would the engine call the detector for this text? */
function isCalled(detector: Detector, lower: string): boolean {
  if (detector.triggers.some((trigger) => lower.includes(trigger))) return true;
  const words = new Set(detector.words ?? []);
  for (const word of words) {
    for (let at = lower.indexOf(word); at >= 0; at = lower.indexOf(word, at + 1)) {
      const around = `${lower[at - 1] ?? " "}${lower[at + word.length] ?? " "}`;
      if (!/[a-z]/.test(around)) return true;
    }
  }
  return false;
}

function kindsOf(detector: Detector, text: string): string[] {
  const latin = Buffer.from(text, "utf8").toString("latin1");
  const lower = latin.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
  if (!isCalled(detector, lower)) return [];
  const found: Detection[] = [];
  detector.detect({ text: latin, lower }, found);
  return found.map((detection) => detection.kind);
}

/** `path.restricted_resource` is asked for in request paths only. */
function loudKinds(detector: Detector, text: string): string[] {
  return kindsOf(detector, text).filter((kind) => !quiet.has(kind));
}

test("harmless texts are no finding of any detector", () => {
  const wrong = [...systemBenign, ...systemTexts, ...systemValues].flatMap((text) =>
    detectors.flatMap((detector) => loudKinds(detector, text).map((kind) => `${kind}: ${text}`)),
  );
  assert.deepEqual(wrong, []);
  assert.ok(systemBenign.length >= 150);
});

for (const [name, texts] of Object.entries(systemAttacks)) {
  test(`the ${name} detector sees attacks of its grammar`, () => {
    const own = detectors.filter((candidate) => candidate.name.split(".")[0] === name);
    assert.deepEqual(
      texts.filter((text) => own.every((detector) => kindsOf(detector, text).length === 0)),
      [],
    );
  });
}

for (const [name, texts] of Object.entries(systemVariants)) {
  test(`injections of class ${name} are seen however they are spelled`, () => {
    assert.deepEqual(
      texts.filter((text) => detectors.every((detector) => kindsOf(detector, text).length === 0)),
      [],
    );
  });
}

test("there are as many attack examples as the classes need", () => {
  assert.ok(Object.values(systemAttacks).flat().length >= 150);
});

test("every reported kind is declared, and its place lies in the text", () => {
  for (const text of [...Object.values(systemAttacks).flat(), ...systemBenign]) {
    const latin = Buffer.from(text, "utf8").toString("latin1");
    const lower = latin.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
    for (const detector of detectors) {
      const found: Detection[] = [];
      detector.detect({ text: latin, lower }, found);
      assert.ok(found.length <= 2 * DETECTIONS_MAX, `${detector.name}: ${found.length}`);
      for (const { kind, start, end } of found) {
        assert.ok(kind in detector.kinds, kind);
        assert.ok(
          start >= 0 && start <= end && end <= latin.length + 8,
          `${kind} ${start}-${end} of ${latin.length}`,
        );
      }
    }
  }
});

test("a detector has something to say only where one of its triggers occurs", () => {
  for (const text of Object.values(systemAttacks).flat()) {
    const lower = text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
    for (const detector of detectors) {
      const found: Detection[] = [];
      detector.detect({ text, lower }, found);
      if (found.length > 0) {
        assert.ok(
          isCalled(detector, lower),
          `${detector.name}: ${found[0]!.kind} in ${JSON.stringify(text)}`,
        );
      }
    }
  }
});

test("words of everyday language are no bare commands", () => {
  for (const word of [
    "install",
    "logout",
    "python",
    "sort",
    "performance",
    "settings",
    "comment",
    "rc",
    "move-item",
  ]) {
    assert.equal(isBareCommand(word), false, word);
  }
});

test("addresses are read in every spelling that inet_aton knows", () => {
  const loopback = 0x7f000001;
  for (const [host, value, plain] of [
    ["127.0.0.1", loopback, true],
    ["127.1", loopback, false],
    ["0x7f000001", loopback, false],
    ["0177.0.0.1", loopback, false],
    ["2130706433", loopback, false],
    ["[::ffff:7f00:1]", loopback, false],
    ["[::ffff:127.0.0.1]", loopback, false],
    ["255.255.255.255", 0xffffffff, true],
  ] as const) {
    assert.deepEqual(addressOf(host), { value, plain }, host);
  }
  for (const host of ["example.com", "256.1.1.1", "1.2.3.4.5", "8080", "0x1ffffffff", "[2001:db8::1]", ""]) {
    assert.equal(addressOf(host), undefined, host);
  }
});

test("texts made to cost time or stack are read to their end", () => {
  const length = 200_000;
  const texts = [
    "../",
    "./",
    ";",
    "| ",
    "`a`",
    "${",
    "$(",
    "a".repeat(100),
    "/*",
    "{ls,",
    "<!entity ",
    "curl x ",
    "%c0%ae",
    "://0x",
  ];
  for (const unit of texts) {
    for (const text of [unit.repeat(length / unit.length), `../${unit.repeat(length / unit.length)}`]) {
      for (const detector of detectors) {
        const found: Detection[] = [];
        detector.detect({ text, lower: text }, found);
        assert.ok(found.length <= 2 * DETECTIONS_MAX, `${detector.name}: ${found.length} in ${unit}`);
      }
    }
  }
});
