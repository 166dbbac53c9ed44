import { z } from "zod";
import { choice, flag, int, keyDocs, optionalInt, optionalTexts, texts } from "./keys.ts";

const statusError = { error: "expected an array of statuses from 200 to 599" };
const countStatuses = z
  .array(z.int(statusError).min(200, statusError).max(599, statusError), statusError)
  .min(1, statusError)
  .optional();
keyDocs.add(countStatuses, {
  type: "array of statuses",
  preset: undefined,
  example: "[401, 403]",
  doc: "Only answers with these statuses count, ours too: failed log-ins, say. Requests under way at once can pass the limit together. Absent = every request counts when it comes.",
});

/** `[limit.NAME]`. */
export const limit = z.strictObject({
  rate: optionalInt({
    min: 1,
    max: 1_000_000_000,
    example: 100,
    doc: "Requests per window, all workers together: 429 above. Required.",
  }),
  window_secs: int({ min: 1, max: 86_400, default: 1, doc: "The window." }),
  burst: optionalInt({
    min: 1,
    max: 1_000_000_000,
    example: 20,
    doc: "gcra: requests that may come at once after a pause. Absent = rate.",
  }),
  algorithm: choice(
    ["gcra", "fixed_window"],
    "gcra",
    "gcra: a burst, then one request every window_secs / rate. fixed_window: rate requests in each window, up to twice that around its end.",
  ),
  key: texts({
    type: "array of address, header:NAME, cookie:NAME, path:NAME, claim:NAME, api_key, client_cert",
    default: ["address"],
    doc: "What is counted apart; all parts together are one key, path:NAME is a {NAME} of the route's path, claim:NAME and api_key are of who was verified, client_cert is the fingerprint of a good certificate. A request without one of them is counted by its address. Empty = one budget for all.",
  }),
  hosts: optionalTexts({
    type: "array of host names",
    example: ["shop.example.org", "*.shop.example.org"],
    doc: "Only requests for these hosts count; *.suffix = any depth below it. Absent = all.",
  }),
  count_statuses: countStatuses,
  cost: choice(
    ["request", "waf_score"],
    "request",
    "What a request costs: one, or the points that the WAF gave it, when they are known; none is free. Requests under way at once can pass the limit together.",
  ),
  strict: flag(
    false,
    "Never more than the limit, however many come at once over all workers: each request waits for the primary's word. For log-ins; only in `limits` of routes.",
  ),
  store: choice(
    ["local", "valkey"],
    "local",
    "valkey: counted together with other machines, in the store of [valkey]; local: by this machine alone.",
  ),
  on_store_error: choice(
    ["local", "allow", "deny"],
    "local",
    "Without the store: go on with what this machine counts, let everything pass, or refuse everything with 503.",
  ),
  ipv6_prefix: int({
    min: 16,
    max: 128,
    default: 64,
    doc: "Bits of an IPv6 address that are one client.",
  }),
  max_keys: int({
    min: 2,
    max: 10_000_000,
    default: 100_000,
    doc: "Keys remembered, per worker, 72 to 144 bytes each. Above it, those that were not used for longest are forgotten; newcomers are never locked out.",
  }),
  shadow: flag(false, "Count what would be refused, refuse nothing."),
});

export type LimitInput = z.infer<typeof limit>;
