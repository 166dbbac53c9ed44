/** `Date` lines (RFC 9110 §6.6.1), one per second. */
export function dateLines(wallMs: () => number): () => Uint8Array {
  let second = -1;
  let line: Uint8Array = new Uint8Array(0);
  return () => {
    const now = Math.floor(wallMs() / 1000);
    if (now !== second) {
      second = now;
      line = Buffer.from(`Date: ${new Date(now * 1000).toUTCString()}\r\n`, "latin1");
    }
    return line;
  };
}
