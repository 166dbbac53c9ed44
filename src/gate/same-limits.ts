/** Routes have limits of their own, mostly equal: a reader is kept for all that are. */
export function sameLimits<T extends object>(one: T, other: T): boolean {
  if (one === other) return true;
  for (const key in one) if (one[key] !== other[key]) return false;
  return true;
}
