import type { Item } from "./ledger.ts";
import { type Engine, readModSecurity, type SecDirective } from "./modsecurity.ts";
import { effective, type NginxImport, type Place } from "./nginx-scope.ts";
import type { Directive } from "./nginx-syntax.ts";
import { differs, needsYou, type Outcome, translated } from "./verdict.ts";

/** `modsecurity on|off` with the rules that are in force beside it. */
export function translateModSecurity([directive]: readonly Directive[], place: Place): Outcome {
  if (directive!.args[0] !== "on") return translated("the WAF is in shadow: it reports and refuses nothing");
  let engine: Engine | undefined;
  for (const sec of rulesInForce(place)) {
    engine = sec.engine ?? engine;
    place.excludes.push(...sec.excludes);
  }
  if (engine === "on") {
    delete place.route["waf_shadow"];
    return translated("the WAF refuses");
  }
  return engine === undefined
    ? differs("no SecRuleEngine was found: the WAF is in shadow, take `waf_shadow` away to make it refuse")
    : translated("`waf_shadow = true`");
}

/** Everything that `modsecurity_rules` and files that could be read say. */
function rulesInForce(place: Place): readonly SecDirective[] {
  return ["modsecurity_rules_file", "modsecurity_rules"].flatMap((name) =>
    effective(place.scope, name).flatMap((directive) => place.nginx.secRules.get(directive) ?? []),
  );
}

/** Reads the rules of a directive once; each of them is an item of its own. */
export function enterSecRules(directive: Directive, nginx: NginxImport): void {
  const text = directive.args[0] ?? "";
  if (directive.name === "modsecurity_rules") {
    nginx.ledger.decide(directive.item, translated("its rules follow"));
    nginx.secRules.set(directive, enterText(text, directive.item, directive.item.file, nginx));
    return;
  }
  const files = nginx.include(text);
  if (typeof files === "string") {
    nginx.ledger.decide(
      directive.item,
      needsYou(`${files}: look in it for exclusions and rules of your own`),
    );
    return;
  }
  nginx.ledger.decide(directive.item, translated("its rules follow"));
  nginx.secRules.set(
    directive,
    files.flatMap((file) => enterText(file.text, directive.item, file.file, nginx)),
  );
}

function enterText(text: string, owner: Item, file: string, nginx: NginxImport): readonly SecDirective[] {
  const found = readModSecurity(text);
  for (const sec of found) {
    const line = file === owner.file ? owner.line + sec.line : sec.line + 1;
    const item: Item = { file, line, where: owner.where, name: sec.name, text: sec.text };
    nginx.ledger.enter(item);
    nginx.ledger.decide(item, sec.outcome);
  }
  return found;
}
