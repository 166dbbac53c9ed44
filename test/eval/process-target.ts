import { shippedRuleSet, WafBench } from "../gate/waf-corpus.ts";
import type { Target } from "./target.ts";
import type { Judged } from "./verdict.ts";

/** Head parser and WAF in this process: for quick looks while a rule is written. The figures that count are the gateway's. */
export function processTarget(): Target {
  return {
    name: "in process, default profile",
    async judgeAll(cases) {
      const bench = new WafBench(shippedRuleSet());
      const judged: Judged[] = [];
      for (const one of cases) {
        const { refused, gate, detail } = await bench.giveLater(one);
        judged.push({
          one,
          verdict: !refused ? "forwarded" : gate === "framing" ? "refused" : "waf",
          status: refused ? 400 : 200,
          gate: gate === "framing" ? detail : gate,
          rule: gate === "framing" ? "" : detail,
        });
      }
      return judged;
    },
  };
}
