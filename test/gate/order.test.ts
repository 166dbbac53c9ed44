import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

test("gates stand in the order of issue 5", () => {
  const text = readFileSync(new URL("../../src/gate/order.ts", import.meta.url), "utf8");
  const found = [
    ...text.matchAll(
      /export function (\w+)|^ +(?:return )?(?:heard\(watch, "\w+", )?((?:check|scrub|add)\w+)\(/gm,
    ),
  ].map((m) => m[1] ?? m[2]);
  assert.deepEqual(found, [
    "runConnectionGates",
    "checkClientCertificate",
    "runEarlyGates",
    "scrubIdentity",
    "checkLoop",
    "checkLists",
    "checkOriginClass",
    "checkBan",
    "checkMeshScore",
    "checkRateLimits",
    "checkAddressInFlight",
    "runRouteGates",
    "checkMisdirected",
    "checkEncodedSlash",
    "checkLists",
    "addCorsLines",
    "checkRateLimits",
    "checkRouteInFlight",
    "checkInternalOnly",
    "checkCors",
    "checkCrossSite",
    "runStrictGate",
    "checkStrictLimits",
    "runAuthGate",
    "checkRouteCertificate",
    "checkAuth",
    "runHeadGates",
    "checkRateLimits",
    "checkUpgrade",
    "runStrictIdentityGate",
    "checkStrictLimits",
    "runBodyGates",
    "checkBodyLimit",
  ]);
});

test("an exchange takes the lists of gates in turn, with the WAF's look at the head before the last", () => {
  const text = readFileSync(new URL("../../src/exchange.ts", import.meta.url), "utf8");
  const steps =
    /(run\w+Gates?|routes\.find|#ask\w+|answerPreflight|inspectHead|new BodyScreen|#admitBody)\(/g;
  const [, serve = ""] = /\n {2}serve\(\)([\s\S]*?)\n {2}}\n/.exec(text) ?? [];
  const [, admit = ""] = /\n {2}#admit\(([\s\S]*?)\n {2}}\n/.exec(text) ?? [];
  const [, enter = ""] = /\n {2}#enter\(([\s\S]*?)\n {2}}\n/.exec(text) ?? [];
  const [, send = ""] = /\n {2}#send\(([\s\S]*?)\n {2}}\n/.exec(text) ?? [];
  const [, inspect = ""] = /\n {2}#inspect\(([\s\S]*?)\n {2}}\n/.exec(text) ?? [];
  const namesIn = (part: string) => [...part.matchAll(steps)].map(([, name]) => name);
  assert.deepEqual(
    [...new Set(namesIn(serve + admit + enter + send))],
    [
      "runConnectionGates",
      "runEarlyGates",
      "routes.find",
      "runRouteGates",
      "#askStrict",
      "answerPreflight",
      "runAuthGate",
      "runHeadGates",
      "#askStrictIdentity",
      // Of routes that answer themselves; of all others it is in `inspect`.
      "inspectHead",
      "#admitBody",
    ],
  );
  assert.deepEqual(namesIn(inspect), ["inspectHead", "#admitBody", "new BodyScreen"]);
});

test("every gate is heard by whoever explains, each under a name of its own", () => {
  const text = readFileSync(new URL("../../src/gate/order.ts", import.meta.url), "utf8");
  const gates = [...text.matchAll(/^ +(?:return )?(heard\(watch, "(\w+)", )?(?:check|scrub)\w+\(/gm)];
  assert.deepEqual(
    gates.filter(([, wrapper]) => wrapper === undefined).map(([line]) => line.trim()),
    [],
  );
  const names = gates.map(([, , name]) => name);
  assert.equal(new Set(names).size, names.length);
});
