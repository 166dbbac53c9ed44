import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

test("gates stand in the order of issue 5", () => {
  const text = readFileSync(new URL("../../src/gate/order.ts", import.meta.url), "utf8");
  const found = [...text.matchAll(/export function (\w+)|^ +((?:check|scrub)\w+)\(/gm)].map(
    (m) => m[1] ?? m[2],
  );
  assert.deepEqual(found, [
    "runEarlyGates",
    "scrubIdentity",
    "checkLoop",
    "checkLists",
    "checkRateLimits",
    "checkAddressInFlight",
    "runRouteGates",
    "checkMisdirected",
    "checkEncodedSlash",
    "checkLists",
    "checkRateLimits",
    "checkRouteInFlight",
    "checkInternalOnly",
    "checkCors",
    "checkCrossSite",
    "runHeadGates",
    "checkAuth",
    "checkRateLimits",
    "checkUpgrade",
    "checkBodyLimit",
  ]);
});
