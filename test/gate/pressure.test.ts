import assert from "node:assert/strict";
import { test } from "node:test";
import { Pressure, type PressureSample } from "../../src/gate/pressure.ts";
import { BODY_CHUNKED, BODY_LENGTH, BODY_NONE, CanonicalRequest } from "../../src/http/request.ts";

const calm: PressureSample = { loopLateMs: 1, roundMs: 2, inspectionsWaiting: 0, roomWaiting: 0 };

function sampled(pressure: Pressure, now: Partial<PressureSample>, times: number): void {
  for (let n = 0; n < times; n++) pressure.sample({ ...calm, ...now });
}

function request(bodyKind: number, bodyLength = 0): CanonicalRequest {
  return Object.assign(new CanonicalRequest(), { bodyKind, bodyLength });
}

const plain = request(BODY_NONE);
const small = request(BODY_LENGTH, 65_536);
const large = request(BODY_LENGTH, 65_537);
const unknown = request(BODY_CHUNKED);

/** Of a hundred. */
function turnedAway(pressure: Pressure, one: CanonicalRequest): number {
  return Array.from({ length: 100 }).filter(() => pressure.turnsAway(one)).length;
}

test("a worker that keeps up turns nobody away", () => {
  const pressure = new Pressure();
  sampled(pressure, {}, 100);
  for (const one of [plain, small, large, unknown]) assert.equal(turnedAway(pressure, one), 0);
});

test("one late sample turns nobody away", () => {
  const pressure = new Pressure();
  sampled(pressure, {}, 10);
  sampled(pressure, { roomWaiting: 3 }, 1);
  sampled(pressure, { loopLateMs: 900 }, 1);
  for (const one of [plain, large]) assert.equal(turnedAway(pressure, one), 0);
});

test("when inspections fall behind, large bodies and those without a length go first", () => {
  const pressure = new Pressure();
  sampled(pressure, { roundMs: 60, inspectionsWaiting: 30 }, 100);
  assert.deepEqual(
    [plain, small, large, unknown].map((one) => turnedAway(pressure, one)),
    [0, 0, 100, 100],
  );
});

test("a few slow inspections are no reason: each is a large body that is being served", () => {
  const pressure = new Pressure();
  sampled(pressure, { roundMs: 60, inspectionsWaiting: 4 }, 100);
  assert.equal(turnedAway(pressure, large), 0);
});

test("bodies that wait for memory turn large ones away, further behind all bodies, and a late loop three of four without one", () => {
  const waiting = new Pressure();
  sampled(waiting, { roomWaiting: 1 }, 100);
  assert.deepEqual(
    [plain, small, large].map((one) => turnedAway(waiting, one)),
    [0, 0, 100],
  );
  const behind = new Pressure();
  sampled(behind, { roundMs: 400, inspectionsWaiting: 30 }, 100);
  assert.deepEqual(
    [plain, small, large].map((one) => turnedAway(behind, one)),
    [0, 100, 100],
  );
  const late = new Pressure();
  sampled(late, { loopLateMs: 2000 }, 100);
  assert.deepEqual(
    [plain, small, large].map((one) => turnedAway(late, one)),
    [75, 100, 100],
  );
});

test("the share grows while a worker is behind, and shrinks to nothing when it is not", () => {
  const pressure = new Pressure();
  sampled(pressure, { roomWaiting: 1 }, 14);
  const half = turnedAway(pressure, large);
  assert.ok(half > 30 && half < 70, `${half}`);
  sampled(pressure, {}, 40);
  const less = turnedAway(pressure, large);
  assert.ok(less < half, `${less}`);
  sampled(pressure, {}, 100);
  assert.equal(turnedAway(pressure, large), 0);
});

test("memory has three levels, and each is left five parts of a hundred below where it began", () => {
  const pressure = new Pressure();
  const levels = [0.84, 0.86, 0.81, 0.93, 0.88, 0.98, 0.93, 0.91, 0.79].map((share) => {
    pressure.fill(share);
    return pressure.level;
  });
  assert.deepEqual(levels, [0, 1, 1, 2, 2, 3, 3, 2, 0]);
});

test("short of memory, bodies are turned away first, then everybody", () => {
  const pressure = new Pressure();
  pressure.fill(0.86);
  assert.deepEqual(
    [plain, small, large].map((one) => turnedAway(pressure, one)),
    [0, 0, 0],
  );
  pressure.fill(0.93);
  assert.deepEqual(
    [plain, small, large].map((one) => turnedAway(pressure, one)),
    [0, 100, 100],
  );
  pressure.fill(0.98);
  assert.deepEqual(
    [plain, small, large].map((one) => turnedAway(pressure, one)),
    [100, 100, 100],
  );
});
