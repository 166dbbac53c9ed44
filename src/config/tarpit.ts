import { z } from "zod";
import { int } from "./keys.ts";

/** `[tarpit]`. */
export const tarpit = z.strictObject({
  hold_secs: int({
    min: 1,
    max: 300,
    default: 10,
    doc: "How long a refusal is held back where an action is `tarpit`.",
  }),
  max_held: int({
    min: 1,
    max: 100_000,
    default: 128,
    doc: "Requests held at once, per worker, and at most a quarter of its connections. Above it they are refused at once.",
  }),
});
