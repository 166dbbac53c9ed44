/** A reader with a planted defect, for test/fuzz/search.test.ts. */
export function fragile(bytes: Uint8Array): number {
  if (bytes[0] !== 0x6f) return 0;
  if (bytes[1] !== 0x75) return 1;
  if (bytes[2] !== 0x63) return 2;
  if (bytes[3] !== 0x68) return 3;
  throw new Error("planted");
}
