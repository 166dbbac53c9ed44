/**
 * Gives what is garbage back to the kernel, all of it and at once: it holds the event loop for some 50 ms. Undefined where the
 * process was not started with `--expose-gc`.
 */
export function garbageCollector(): (() => void) | undefined {
  const { gc } = globalThis;
  return gc === undefined ? undefined : () => void gc({ type: "major", flavor: "last-resort" });
}
