import { DETECTIONS_MAX, type Detection } from "../detection.ts";

/**
 * Appends a detection unless this call (everything in `found` from `from` on) already has one of its kind: rules ask
 * whether a construct occurs, so ten `<script>` must not push other kinds out of the bounded list.
 */
export function reportOnce(found: Detection[], from: number, kind: string, start: number, end: number): void {
  if (found.length - from >= DETECTIONS_MAX) return;
  for (let index = from; index < found.length; index += 1) if (found[index]!.kind === kind) return;
  found.push({ kind, start, end });
}
