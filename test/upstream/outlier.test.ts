import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { OutlierConfig } from "../../src/config/config.ts";
import { Balance, chooseEndpoint } from "../../src/upstream/balance.ts";
import { EndpointState } from "../../src/upstream/endpoint-state.ts";
import {
  ANSWERED,
  ANSWERED_BADLY,
  type AttemptOutcome,
  CONNECTION_FAILED,
  ejectByWord,
  OutlierDetection,
  reinstate,
} from "../../src/upstream/outlier.ts";

const settings: OutlierConfig = {
  errorRatePct: 50,
  minRequests: 10,
  windowSecs: 10,
  ejectSecs: 30,
  maxEjectedPct: 50,
};

function pool(count: number): EndpointState[] {
  return Array.from({ length: count }, (_, index) => new EndpointState(`http://10.0.0.${index}`, 1));
}

function reportMany(
  detection: OutlierDetection,
  members: readonly EndpointState[],
  member: EndpointState,
  outcome: AttemptOutcome,
  times: number,
  nowMs: number,
): void {
  for (let time = 0; time < times; time++) detection.report(members, member, outcome, nowMs);
}

/** Makes the balancer send the trial that is due, as the pool would. */
function sendTrial(member: EndpointState, nowMs: number): void {
  assert.equal(chooseEndpoint(new Balance("p2c", 1), [member], nowMs, 0, undefined), member);
  assert.equal(member.onTrial, true);
}

test("five failed connections in a row within ten seconds eject for five", () => {
  const detection = new OutlierDetection(undefined);
  const members = pool(2);
  const [member] = members as [EndpointState];
  for (let failure = 0; failure < 4; failure++) {
    assert.equal(detection.report(members, member, CONNECTION_FAILED, failure * 2_500), false);
  }
  assert.equal(detection.report(members, member, CONNECTION_FAILED, 10_000), true);
  assert.equal(member.isUsable(14_999), false);
  assert.equal(member.isUsable(15_000), true);
  assert.equal(detection.ejectionsTotal, 1);
});

test("the word of other edges ejects for ten seconds, until a trial, and never the last one that is left", () => {
  const detection = new OutlierDetection(undefined);
  const named = (url: string) => Object.assign(new EndpointState(url, 1), { url });
  const [first, second] = [named("http://a"), named("http://b")];
  const members = [first, second];
  ejectByWord(members, ["http://a", "http://b"], 1000);
  assert.deepEqual([first.isUsable(10_999), second.isUsable(1000)], [false, true]);
  // A trial that answers outranks them.
  sendTrial(first, 11_000);
  detection.report(members, first, ANSWERED, 11_001);
  assert.equal(first.ejectedUntilMs, 0);
});

test("failed connections further apart, or with any answer between, do not eject", () => {
  const detection = new OutlierDetection(undefined);
  const members = pool(2);
  const [slow, mixed] = members as [EndpointState, EndpointState];
  for (let failure = 0; failure < 50; failure++)
    detection.report(members, slow, CONNECTION_FAILED, failure * 2_501);
  assert.equal(slow.ejectedUntilMs, 0);
  for (let failure = 0; failure < 50; failure++) {
    detection.report(members, mixed, failure % 5 === 4 ? ANSWERED_BADLY : CONNECTION_FAILED, 0);
  }
  assert.equal(mixed.ejectedUntilMs, 0);
});

test("of a long row of failures the last five count", () => {
  const detection = new OutlierDetection(undefined);
  const members = pool(2);
  const [member] = members as [EndpointState];
  for (let failure = 0; failure < 7; failure++)
    detection.report(members, member, CONNECTION_FAILED, failure * 9_000);
  assert.equal(member.ejectedUntilMs, 0);
  for (const nowMs of [54_100, 54_101]) detection.report(members, member, CONNECTION_FAILED, nowMs);
  assert.equal(member.ejectedUntilMs, 0);
  assert.equal(detection.report(members, member, CONNECTION_FAILED, 54_200), true);
});

test("the last usable member is never ejected, nor is the only one", () => {
  for (const config of [undefined, settings]) {
    const detection = new OutlierDetection(config);
    const alone = pool(1);
    reportMany(detection, alone, alone[0]!, CONNECTION_FAILED, 50, 0);
    assert.equal(alone[0]!.isUsable(0), true);
    const members = pool(3);
    members[2]!.up = false;
    reportMany(detection, members, members[0]!, CONNECTION_FAILED, 50, 0);
    reportMany(detection, members, members[1]!, CONNECTION_FAILED, 50, 0);
    assert.equal(members.filter((member) => member.isUsable(0)).length, 1);
  }
});

test("a member that only waits for its trial does not make another one dispensable", () => {
  const detection = new OutlierDetection(undefined);
  const members = pool(2);
  reportMany(detection, members, members[0]!, CONNECTION_FAILED, 5, 0);
  reportMany(detection, members, members[1]!, CONNECTION_FAILED, 5, 6_000);
  assert.equal(members[1]!.isUsable(6_000), true);
});

test("a trial that is answered ends the ejection, one that fails repeats it", () => {
  const detection = new OutlierDetection(undefined);
  const members = pool(2);
  const [member] = members as [EndpointState];
  reportMany(detection, members, member, CONNECTION_FAILED, 5, 0);
  sendTrial(member, 5_000);
  assert.equal(detection.report(members, member, CONNECTION_FAILED, 5_001), true);
  assert.equal(member.isUsable(10_000), false);
  sendTrial(member, 10_001);
  assert.equal(detection.report(members, member, ANSWERED, 10_002), false);
  assert.equal(member.isUsable(10_002), true);
  assert.equal(member.ejectedUntilMs, 0);
  // And it starts over.
  reportMany(detection, members, member, CONNECTION_FAILED, 4, 10_003);
  assert.equal(member.ejectedUntilMs, 0);
});

test("late outcomes of attempts sent before the ejection change nothing", () => {
  const detection = new OutlierDetection(undefined);
  const members = pool(2);
  const [member] = members as [EndpointState];
  reportMany(detection, members, member, CONNECTION_FAILED, 5, 0);
  detection.report(members, member, ANSWERED, 100);
  detection.report(members, member, CONNECTION_FAILED, 200);
  assert.equal(member.ejectedUntilMs, 5_000);
});

test("a healthy probe can end an ejection at once", () => {
  const members = pool(2);
  reportMany(new OutlierDetection(undefined), members, members[0]!, CONNECTION_FAILED, 5, 0);
  reinstate(members[0]!);
  assert.equal(members[0]!.isUsable(1), true);
});

test("bad answers eject only with outlier detection", () => {
  const members = pool(2);
  const detection = new OutlierDetection(undefined);
  reportMany(detection, members, members[1]!, ANSWERED, 100, 0);
  reportMany(detection, members, members[0]!, ANSWERED_BADLY, 100, 0);
  assert.equal(members[0]!.ejectedUntilMs, 0);
});

test("an error rate above the threshold ejects while another member is clearly healthier", () => {
  const detection = new OutlierDetection(settings);
  const members = pool(2);
  const [member, other] = members as [EndpointState, EndpointState];
  reportMany(detection, members, other, ANSWERED, 4, 0);
  reportMany(detection, members, member, ANSWERED, 5, 0);
  reportMany(detection, members, member, ANSWERED_BADLY, 5, 0);
  assert.equal(member.ejectedUntilMs, 0, "four answers of the other say nothing");
  reportMany(detection, members, other, ANSWERED, 1, 0);
  assert.equal(detection.report(members, member, ANSWERED_BADLY, 0), true);
  assert.equal(member.ejectedUntilMs, 30_000);
});

test("nobody is ejected when all fail alike, below the minimum, or on stale evidence", () => {
  const detection = new OutlierDetection(settings);
  const alike = pool(2);
  for (let time = 0; time < 100; time++)
    for (const member of alike) detection.report(alike, member, ANSWERED_BADLY, 0);
  assert.deepEqual(
    alike.map((member) => member.ejectedUntilMs),
    [0, 0],
  );
  const few = pool(2);
  reportMany(detection, few, few[1]!, ANSWERED, 100, 0);
  reportMany(detection, few, few[0]!, ANSWERED_BADLY, 9, 0);
  assert.equal(few[0]!.ejectedUntilMs, 0);
  const stale = pool(2);
  reportMany(detection, stale, stale[1]!, ANSWERED, 100, 0);
  reportMany(detection, stale, stale[0]!, ANSWERED_BADLY, 100, 20_000);
  assert.equal(stale[0]!.ejectedUntilMs, 0);
});

test("no more than the capped share of the pool is ejected for its error rate, but always one", () => {
  const detection = new OutlierDetection({ ...settings, maxEjectedPct: 40 });
  const members = pool(5);
  for (const member of members.slice(3)) reportMany(detection, members, member, ANSWERED, 20, 0);
  for (const member of members.slice(0, 3)) reportMany(detection, members, member, ANSWERED_BADLY, 20, 0);
  assert.equal(members.filter((member) => !member.isUsable(0)).length, 2);
  const pair = pool(2);
  reportMany(detection, pair, pair[1]!, ANSWERED, 20, 0);
  reportMany(detection, pair, pair[0]!, ANSWERED_BADLY, 20, 0);
  assert.equal(pair[0]!.isUsable(0), false);
});

test("each ejection in a row lasts longer, up to ten times; a healthy time starts over", () => {
  const detection = new OutlierDetection(settings);
  const members = pool(2);
  const [member, other] = members as [EndpointState, EndpointState];
  const misbehave = (nowMs: number): number => {
    reportMany(detection, members, other, ANSWERED, 20, nowMs);
    if (member.ejectedUntilMs !== 0) sendTrial(member, nowMs);
    reportMany(detection, members, member, ANSWERED_BADLY, 20, nowMs);
    return member.ejectedUntilMs - nowMs;
  };
  let nowMs = 0;
  const lengths: number[] = [];
  for (let time = 0; time < 12; time++) {
    const lengthMs = misbehave(nowMs);
    lengths.push(lengthMs / 1000);
    nowMs += lengthMs;
  }
  assert.deepEqual(lengths, [30, 60, 90, 120, 150, 180, 210, 240, 270, 300, 300, 300]);
  sendTrial(member, nowMs);
  reportMany(detection, members, member, ANSWERED, 11, nowMs);
  nowMs += 20_000;
  assert.equal(misbehave(nowMs), 30_000);
});

test("after its return a member is judged by what it does then", () => {
  const detection = new OutlierDetection({ ...settings, windowSecs: 60, ejectSecs: 1 });
  const members = pool(2);
  const [member, other] = members as [EndpointState, EndpointState];
  reportMany(detection, members, other, ANSWERED, 20, 0);
  reportMany(detection, members, member, ANSWERED_BADLY, 10, 0);
  sendTrial(member, 1_000);
  detection.report(members, member, ANSWERED, 1_000);
  assert.equal(detection.report(members, member, ANSWERED_BADLY, 1_000), false);
  assert.equal(member.ejectedUntilMs, 0);
});

test("a member that fails again soon after its return is out for longer", () => {
  const detection = new OutlierDetection(settings);
  const members = pool(2);
  const [member, other] = members as [EndpointState, EndpointState];
  reportMany(detection, members, other, ANSWERED, 20, 0);
  reportMany(detection, members, member, ANSWERED_BADLY, 20, 0);
  sendTrial(member, 30_000);
  reportMany(detection, members, member, ANSWERED, 3, 30_000);
  reportMany(detection, members, other, ANSWERED, 20, 30_000);
  reportMany(detection, members, member, ANSWERED_BADLY, 20, 30_000);
  assert.equal(member.ejectedUntilMs, 90_000);
});

test("a reload with another window judges by the new one", () => {
  const members = pool(2);
  const before = new OutlierDetection(settings);
  reportMany(before, members, members[0]!, ANSWERED_BADLY, 5, 0);
  const after = new OutlierDetection({ ...settings, windowSecs: 60 });
  after.report(members, members[0]!, ANSWERED, 0);
  assert.equal(members[0]!.outcomes?.windowSecs, 60);
});

test("some member that is up stays out of ejection, whatever is reported", () => {
  const step = fc.record({
    waitMs: fc.nat(3_000),
    index: fc.nat(4),
    outcome: fc.constantFrom<AttemptOutcome>(ANSWERED, ANSWERED_BADLY, CONNECTION_FAILED),
    times: fc.integer({ min: 1, max: 12 }),
  });
  let ejections = 0;
  fc.assert(
    fc.property(
      fc.boolean(),
      fc.integer({ min: 1, max: 5 }),
      fc.array(step, { maxLength: 120 }),
      (isRated, size, steps) => {
        const detection = new OutlierDetection(isRated ? { ...settings, maxEjectedPct: 100 } : undefined);
        const members = pool(size);
        const balance = new Balance("round_robin", 1);
        let nowMs = 0;
        for (const { waitMs, index, outcome, times } of steps) {
          nowMs += waitMs;
          chooseEndpoint(balance, members, nowMs, 0, undefined);
          reportMany(detection, members, members[index % size]!, outcome, times, nowMs);
          assert.ok(members.some((member) => member.ejectedUntilMs === 0));
        }
        ejections += detection.ejectionsTotal;
      },
    ),
  );
  assert.ok(ejections > 50, `only ${ejections} ejections were tried`);
});
