import { createCipheriv } from "node:crypto";
import { systemClock } from "../std/clock.ts";

/** CPU spent on measuring, and the clock's time after which it ends on a machine that gives us little of it. */
const cpuMs = 15;
const wallMaxMs = 50;
/** The largest TLS record; a few between two looks at the clock. */
const recordBytes = 16_384;
const recordsPerLook = 8;

export interface AesSpeed {
  /** Megabytes per second of CPU: what one core seals with AES-128-GCM. */
  readonly megabytesPerSec: number;
  /** CPU that the measurement took. */
  readonly tookMs: number;
}

/**
 * How fast this machine seals TLS records. By CPU time, because at a start others want the processor too: the same
 * machine gives the same figure however busy it is. Takes 15 ms of CPU, and 50 ms of time at most.
 */
export function measureAes(): AesSpeed {
  const key = Buffer.alloc(16, 1);
  const nonce = Buffer.alloc(12);
  const record = Buffer.alloc(recordBytes);
  const untilMs = systemClock.nowMs() + wallMaxMs;
  const before = process.threadCpuUsage();
  let records = 0;
  let spentMs = 0;
  do {
    for (let i = 0; i < recordsPerLook; i++) {
      nonce.writeUInt32LE(records++);
      const cipher = createCipheriv("aes-128-gcm", key, nonce);
      cipher.update(record);
      cipher.final();
    }
    const { user, system } = process.threadCpuUsage(before);
    spentMs = (user + system) / 1000;
  } while (spentMs < cpuMs && systemClock.nowMs() < untilMs);
  // A clock of CPU time that did not move yet says nothing; better one too slow than a division by nothing.
  const megabytesPerSec = (records * recordBytes) / 1000 / Math.max(spentMs, 1);
  return { megabytesPerSec: Math.round(megabytesPerSec), tookMs: Math.round(spentMs * 10) / 10 };
}
