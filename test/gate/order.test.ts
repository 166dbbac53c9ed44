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
  const steps =
    /(run\w+Gates?|routes\.find|ask\w+|answerPreflight|inspect(?:Head|Request)|new BodyScreen|admitBody)\(/g;
  const namesIn = (part: string) => [...part.matchAll(steps)].map(([, name]) => name);
  const life = sourceOf("exchange.ts");
  const late = sourceOf("exchange/late-gates.ts");
  assert.deepEqual(
    [...new Set(namesIn(methodOf(life, "serve")))],
    ["runConnectionGates", "runEarlyGates", "routes.find", "runRouteGates", "runLateGates"],
  );
  assert.deepEqual(
    namesIn(["runLateGates", "admit", "enter"].map((name) => functionOf(late, name)).join("")),
    ["askStrict", "answerPreflight", "runAuthGate", "runHeadGates", "askStrictIdentity"],
  );
  // The head alone is looked at on routes that answer themselves; on all others it is in `inspectRequest`.
  const own = functionOf(sourceOf("exchange/own-answer.ts"), "answerForRoute");
  assert.deepEqual(namesIn(own), ["inspectHead"]);
  assert.deepEqual(namesIn(methodOf(life, "send")), ["admitBody", "inspectRequest"]);
  const inspection = sourceOf("exchange/request-inspection.ts");
  assert.deepEqual(namesIn(functionOf(inspection, "inspectRequest")), [
    "inspectHead",
    "admitBody",
    "new BodyScreen",
  ]);
});

function sourceOf(file: string): string {
  return readFileSync(new URL(`../../src/${file}`, import.meta.url), "utf8");
}

function methodOf(text: string, name: string): string {
  return new RegExp(`\\n {2}${name}\\(([\\s\\S]*?)\\n {2}}\\n`).exec(text)![1]!;
}

function functionOf(text: string, name: string): string {
  return new RegExp(`\\n(?:export )?function ${name}\\(([\\s\\S]*?)\\n}\\n`).exec(text)![1]!;
}

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
