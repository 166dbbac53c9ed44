import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type AnswerCoding, bestCoding, noWeights, readWeights } from "../../src/http/accept-encoding.ts";

const all: readonly AnswerCoding[] = ["br", "zstd", "gzip"];

function choose(value: string, preference: readonly AnswerCoding[] = all): AnswerCoding | undefined {
  const weights = noWeights();
  readWeights(value, weights);
  return bestCoding(weights, preference);
}

test("the client's weights decide, then our order", () => {
  const cases: readonly (readonly [value: string, coding: AnswerCoding | undefined])[] = [
    ["gzip, deflate, br, zstd", "br"],
    ["gzip, deflate", "gzip"],
    ["deflate", undefined],
    ["", undefined],
    ["gzip;q=1.0, br;q=0.5", "gzip"],
    ["gzip;q=0.001", "gzip"],
    ["gzip;q=0", undefined],
    ["gzip;q=0.000, br;q=0.0", undefined],
    ["*", "br"],
    ["*;q=0", undefined],
    ["br;q=0, *", "zstd"],
    ["br;q=0, zstd;q=0, *;q=0.1", "gzip"],
    ["identity;q=0", undefined],
    ["identity;q=0, *", "br"],
    ["identity;q=0, gzip;q=0.1", "gzip"],
    ["identity, gzip;q=0.5", undefined],
    ["identity;q=0.5, gzip;q=0.5", "gzip"],
    ["x-gzip", "gzip"],
    ["GZIP ; Q=0.5 ,\tBR;q=0.4", "gzip"],
    [",,gzip,,", "gzip"],
    ["gzip;q=2, zstd", "zstd"],
    ["gzip;q=0.5555", undefined],
    ["gzip;q=", undefined],
    ["gzip;level=9", undefined],
    ["gzip, gzip;q=0", undefined],
    ["gz ip", undefined],
    ["dcz, dcb", undefined],
  ];
  for (const [value, coding] of cases) assert.equal(choose(value), coding, value);
  assert.equal(choose("gzip, br", ["gzip", "br"]), "gzip");
  assert.equal(choose("br", ["gzip"]), undefined);
});

test("several fields are one list", () => {
  const weights = noWeights();
  readWeights("br;q=0", weights);
  readWeights("gzip", weights);
  assert.equal(bestCoding(weights, all), "gzip");
});

const weight = fc.integer({ min: 0, max: 1000 });
const name = fc.constantFrom("br", "zstd", "gzip", "identity", "*", "deflate", "compress");
const space = fc.constantFrom("", " ", "\t", "  ");

test("reads whatever was written as RFC 9110 §12.5.3 says", () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.tuple(name, weight, space), { selector: ([one]) => one }), (list) => {
      const text = list.map(([n, w, s]) => `${s}${n}${s};${s}q=${(w / 1000).toFixed(3)}${s}`).join(",");
      const weights = noWeights();
      readWeights(text, weights);
      const said = new Map<string, number>(list.map(([n, w]) => [n, w]));
      for (const coding of all) assert.equal(weights[coding], said.get(coding));
      assert.equal(weights.identity, said.get("identity"));
      assert.equal(weights.other, said.get("*"));
      const chosen = bestCoding(weights, all);
      const of = (coding: string) => said.get(coding) ?? said.get("*") ?? 0;
      if (chosen === undefined) {
        const best = Math.max(...all.map(of));
        assert.ok(best === 0 || (said.get("identity") ?? 0) > best);
      } else {
        assert.ok(of(chosen) > 0);
        for (const other of all) assert.ok(of(other) <= of(chosen));
      }
    }),
  );
});

test("no bytes make it throw, and it reads each once", () => {
  fc.assert(fc.property(fc.string(), (text) => readWeights(text, noWeights())));
  const weights = noWeights();
  readWeights(`${",;".repeat(40_000)},gzip`, weights);
  assert.equal(weights.gzip, 1000);
});
