/**
 * Keeps a map from holding more than `max`: forgets the sixteenth that was set first. In parts, because a map whose first
 * key is deleted again and again is walked over all that are gone to find the next.
 */
export function forgetOldest(map: Map<unknown, unknown>, max: number): void {
  if (map.size <= max) return;
  let left = Math.ceil(max / 16);
  for (const key of map.keys()) {
    if (left-- === 0) return;
    map.delete(key);
  }
}
