/** All shipped rules, the default profile, and requests for it. */
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { buildRouteWaf, type RouteWaf } from "../../../src/gate/waf-settings.ts";
import { readHead } from "../../../src/http/head.ts";
import { CanonicalRequest } from "../../../src/http/request.ts";
import { buildRuleSet, kindsOfDetectors, type RuleSet } from "../../../src/waf/compile.ts";
import { detectors } from "../../../src/waf/detectors.ts";
import { parseRules } from "../../../src/waf/parse-rules.ts";
import { defaultLimits } from "../../../test/support/head-reading.ts";

const directory = path.resolve(import.meta.dirname, "../../../rules");
const files = readdirSync(directory)
  .filter((name) => name.endsWith(".toml"))
  .map((name) => ({ file: name, text: readFileSync(path.join(directory, name), "utf8") }));
const { rules, problems } = parseRules(files, new Set(kindsOfDetectors(detectors).keys()));
if (problems.length > 0) throw new Error(`${problems.length} problems in rules/: zion rules test`);

export const ruleSet: RuleSet = buildRuleSet(rules, detectors);
export const waf: RouteWaf = buildRouteWaf({}, ruleSet);

/** As many fields as a configuration may allow. */
const roomy = { ...defaultLimits, fieldsMax: 1000, headBytesMax: 65_536 };

/** A request with this head, its empty line included. */
export function requestOf(head: string): CanonicalRequest {
  const request = new CanonicalRequest();
  const bytes = Buffer.from(head, "latin1");
  readHead(bytes, 0, bytes.length, request, roomy);
  if (request.refusal !== undefined) throw new Error(`${request.refusal.code}: ${head.slice(0, 60)}`);
  return request;
}

export function postOf(type: string, bytes: number): CanonicalRequest {
  return requestOf(`POST / HTTP/1.1\r\nHost: a\r\nContent-Type: ${type}\r\nContent-Length: ${bytes}\r\n\r\n`);
}

export function fill(text: string, length: number): string {
  return text.repeat(Math.ceil(length / text.length)).slice(0, length);
}

export const prose =
  "Thank you for the quick answer. We would like to order twelve of the larger ones, and if you have them in stock also a few of the smaller. Could you please tell us when they can be here, and what the freight would be? ";
