import { systemClock } from "../std/clock.ts";
import { beginChild } from "./child-entry.ts";
import { type MeshEdge, openMeshEdge } from "./mesh-edge.ts";
import type { FromMesh, ToMesh } from "./mesh-order.ts";

/**
 * The process of the mesh, started by mesh-desk.ts. What a hostile store sends grows here and nowhere else: above this
 * the process ends, and the next one starts empty.
 */
const RESIDENT_BYTES_MAX = 768 * 1_048_576;
const LOOK_MS = 250;

beginChild("mesh");
const send = (message: FromMesh): void => {
  // The callback keeps a broken pipe from becoming an 'error' event.
  if (process.connected) process.send!(message, undefined, {}, () => {});
};
let edge: MeshEdge | undefined;
process.on("message", (message: ToMesh) => {
  if (message.type === "adopt" && edge === undefined)
    edge = openMeshEdge({ settings: message.settings, wallMs: systemClock.wallMs, send });
  else edge?.hear(message);
});
process.on("disconnect", () => {
  edge?.stop();
  process.exit(0);
});
setInterval(() => {
  if (process.memoryUsage.rss() > RESIDENT_BYTES_MAX) throw new Error("the mesh takes too much memory");
}, LOOK_MS);
