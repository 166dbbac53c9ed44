/** Sizes and times as the configurations of other programs write them. */

const sizeUnits: Readonly<Record<string, number>> = {
  "": 1,
  b: 1,
  k: 2 ** 10,
  kb: 1000,
  kib: 2 ** 10,
  ki: 2 ** 10,
  m: 2 ** 20,
  mb: 1_000_000,
  mib: 2 ** 20,
  mi: 2 ** 20,
  g: 2 ** 30,
  gb: 1_000_000_000,
  gib: 2 ** 30,
  gi: 2 ** 30,
};

/** "10m" → bytes; nginx and Kubernetes count k and m in steps of 1024, "MB" is 1,000,000. Undefined: not a size. */
export function readBytes(text: string): number | undefined {
  const match = /^(\d{1,12})\s*([a-z]{0,3})$/i.exec(text.trim());
  const unit = match === null ? undefined : sizeUnits[match[2]!.toLowerCase()];
  return unit === undefined ? undefined : Number(match![1]) * unit;
}

/** What `max_body_mb` can say: whole MiB, rounded up; 0 (no limit there) is its largest. */
export function wholeMib(bytes: number): number {
  return bytes === 0 ? MIB_MAX : Math.min(MIB_MAX, Math.max(1, Math.ceil(bytes / 2 ** 20)));
}

const MIB_MAX = 1_048_576;

const timeUnitsMs: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
  M: 30 * 86_400_000,
  y: 365 * 86_400_000,
};

/** "90", "90s", "1h30m", "1m 30s", Go's "1.5h" → milliseconds; a bare number is seconds. Undefined: not a time. */
export function readMs(text: string): number | undefined {
  const trimmed = text.trim();
  if (/^\d{1,12}$/.test(trimmed)) return Number(trimmed) * 1000;
  if (!/^(?:\d{1,12}(?:\.\d{1,9})?\s*(?:ms|[smhdwMy])\s*)+$/.test(trimmed)) return undefined;
  let total = 0;
  for (const [, number, unit] of trimmed.matchAll(/(\d+(?:\.\d+)?)\s*(ms|[smhdwMy])/g))
    total += Number(number) * timeUnitsMs[unit!]!;
  return Math.round(total);
}

export function clamp(value: number, min: number, max: number): number {
  return Math.min(max, Math.max(min, value));
}
