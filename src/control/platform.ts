import os from "node:os";
import { type AesSpeed, measureAes } from "./aes-speed.ts";

/** What the gateway runs on. */
export interface Platform {
  readonly node: string;
  readonly openssl: string;
  readonly os: string;
  readonly kernel: string;
  readonly arch: string;
  /** Processors that we may use, by quota and affinity. */
  readonly cpus: number;
  readonly cpu_model: string;
  readonly memory_bytes: number;
  /** Of the control group; 0 = none. */
  readonly memory_limit_bytes: number;
  /** Open files; 0 = not known. */
  readonly descriptors_max: number;
  /** How much TLS traffic can be sealed here, roughly: `performanceTier`. */
  readonly tier: Tier;
  /** One core, AES-128-GCM, measured at the start. */
  readonly aes_gcm_mb_per_sec: number;
  readonly calibration_ms: number;
}

/** Gigabytes per second of AES-GCM on all processors together, from which each begins. */
const tiers = { small: 0, medium: 2, large: 8, xlarge: 32 } as const;
export type Tier = keyof typeof tiers;

/** Measures, which takes up to 50 ms. */
export function describePlatform(descriptorsMax: number): Platform {
  const speed = measureAes();
  const cpus = os.availableParallelism();
  return {
    node: process.version,
    openssl: process.versions.openssl,
    os: process.platform,
    kernel: os.release(),
    arch: process.arch,
    cpus,
    cpu_model: os.cpus()[0]?.model ?? "",
    memory_bytes: os.totalmem(),
    memory_limit_bytes: limitOf(process.constrainedMemory()),
    descriptors_max: descriptorsMax,
    tier: performanceTier(cpus, speed),
    aes_gcm_mb_per_sec: speed.megabytesPerSec,
    calibration_ms: speed.tookMs,
  };
}

/** For people who compare machines; nothing in the gateway decides by it. */
export function performanceTier(cpus: number, { megabytesPerSec }: Pick<AesSpeed, "megabytesPerSec">): Tier {
  const gigabytesPerSec = (cpus * megabytesPerSec) / 1000;
  const names = Object.keys(tiers) as Tier[];
  return names.findLast((name) => gigabytesPerSec >= tiers[name])!;
}

/** Without a limit the kernel says a number beyond any machine. */
function limitOf(constrained: number): number {
  return constrained > 0 && constrained < os.totalmem() ? constrained : 0;
}
