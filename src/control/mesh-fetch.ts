/**
 * Has what edges stand by fetched, of each edge once at a time: an edge whose beacons never fit what it put into the store
 * could else begin thousands of fetches, each of which takes seconds. Whoever still differs says so in the next beacon.
 */
export function fetchOnce(fetch: (id: string) => Promise<void>): (ids: readonly string[]) => Promise<void> {
  const underWay = new Set<string>();
  return async (ids) => {
    for (const id of ids) {
      if (underWay.has(id)) continue;
      underWay.add(id);
      try {
        await fetch(id);
      } finally {
        underWay.delete(id);
      }
    }
  };
}
