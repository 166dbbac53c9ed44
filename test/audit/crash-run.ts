import assert from "node:assert/strict";
import type { Journal } from "../../src/audit/journal.ts";
import { parseLine } from "../../src/audit/line.ts";
import { readLines } from "../../src/audit/log-lines.ts";
import { parseSegmentFile } from "../../src/audit/log-name.ts";
import { verifyDirectory } from "../../src/audit/verify.ts";
import { Crash, SimulatedDisk } from "./simulated-disk.ts";
import { eventAt, openLog, rootKey, sourceAt, testClock } from "./test-log.ts";

export interface CrashOutcome {
  crashes: number;
  torn: number;
  fulls: number;
  acknowledged: number;
  rotations: number;
}

/**
 * One life of a log by a seed: a few starts of the writer, each of which ends in a crash at any call to the disk. The
 * process that reports keeps what was not acknowledged, and says it again, as workers do.
 */
export function simulateCrashes(seed: number): CrashOutcome {
  const disk = new SimulatedDisk(seed);
  const clock = testClock();
  const anchors: string[] = [];
  const outcome: CrashOutcome = { crashes: 0, torn: 0, fulls: 0, acknowledged: 0, rotations: 0 };
  let acknowledged = 0;
  const settings = { segmentBytesMax: 6000, checkpointRecords: 12, checkpointMs: 5000, keyStepMs: 4000 };

  const live = (journal: Journal): void => {
    // Said again: the writer leaves out what it has.
    let next = acknowledged + 1;
    const batches = 2 + disk.below(6);
    const limit = disk.below(8) === 0 ? 4000 + disk.below(4000) : Infinity;
    disk.room = limit;
    for (let batch = 0; batch < batches; batch++) {
      for (let i = disk.below(6); i >= 0; i--) {
        if (!journal.hasRoom) break;
        if (journal.sources.lastOf(sourceAt(1).b) < next) journal.event(eventAt(next), sourceAt(next));
        next++;
      }
      if (journal.commit()) acknowledged = next - 1;
      if (journal.isFull) {
        outcome.fulls++;
        disk.room = Infinity;
        clock.ms += 6000;
      }
      clock.ms += disk.below(3000);
      journal.tick();
    }
  };

  for (let start = 0; start < 4; start++) {
    disk.room = Infinity;
    disk.callsLeft = disk.below(10) === 0 ? Infinity : 1 + disk.below(60);
    try {
      const { journal } = openLog(disk, { clock, anchors, settings });
      assert.equal(new Set(logIds(disk)).size, 1, `seed ${seed}: a sound log was given up`);
      live(journal);
      journal.close();
      outcome.rotations += journal.segment - 1;
    } catch (error) {
      if (!(error instanceof Crash)) throw error;
      outcome.crashes++;
    }
    disk.room = Infinity;
    disk.reboot();
    clock.ms += 1000;
  }
  disk.callsLeft = Infinity;
  const { journal } = openLog(disk, { clock, anchors, settings });
  journal.close();

  outcome.torn = disk.list().filter((name) => name.endsWith(".torn")).length;
  outcome.acknowledged = acknowledged;
  assert.equal(new Set(logIds(disk)).size, 1, `seed ${seed}: a sound log was given up`);
  const told = eventsIn(disk);
  assert.equal(new Set(told).size, told.length, `seed ${seed}: an event is there twice`);
  const missing = Array.from({ length: acknowledged }, (_, i) => i + 1).filter((n) => !told.includes(n));
  assert.deepEqual(missing, [], `seed ${seed}: acknowledged events are lost`);
  const { logs, exitCode } = verifyDirectory({
    disk,
    policy: undefined,
    roots: [rootKey],
    anchors: anchors.slice(-3),
    nowMs: clock.wallMs(),
    unanchoredMaxMs: Infinity,
    strict: false,
  });
  assert.equal(exitCode, 0, `seed ${seed}: ${JSON.stringify(logs)}`);
  return outcome;
}

function logIds(disk: SimulatedDisk): string[] {
  return disk.list().flatMap((name) => parseSegmentFile(name)?.logId ?? []);
}

function eventsIn(disk: SimulatedDisk): number[] {
  const found: number[] = [];
  for (const name of disk.list()) {
    if (parseSegmentFile(name) === undefined) continue;
    for (const { bytes } of readLines(disk, name)) {
      const parsed = parseLine(bytes);
      if (typeof parsed === "object" && parsed.record.kind === "request_blocked")
        found.push(parsed.record.w!.n);
    }
  }
  return found;
}
