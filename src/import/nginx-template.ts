import { literal } from "./changes.ts";
import { resolveText, type Scope } from "./nginx-scope.ts";
import { rowNamed } from "./row-named.ts";

const facts: Readonly<Record<string, string>> = {
  host: "{host}",
  http_host: "{host}",
  server_name: "{host}",
  scheme: "{scheme}",
  request_uri: "{uri}",
  uri: "{path}",
  document_uri: "{path}",
  args: "{query}",
  query_string: "{query}",
  remote_addr: "{client_ip}",
  request_id: "{request_id}",
  request_method: "{method}",
};

/** A text of nginx with its variables as a template of this gateway; undefined when one of them has no like here. */
export function templateOf(text: string, scope: Scope): string | undefined {
  // The path with its query, as one.
  const whole = text.replace(/\$uri\$is_args\$(?:args|query_string)/g, "$request_uri");
  const fixed = resolveText(whole, scope) ?? whole;
  let known = true;
  const template = fixed
    .split(/(\$\{\w+\}|\$\w+)/)
    .map((part) => {
      const name = /^\$\{?(\w+)\}?$/.exec(part)?.[1];
      if (name === undefined) return literal(part);
      const own = /^(http|cookie)_(\w+)$/.exec(name);
      const fact = rowNamed(facts, name);
      if (fact !== undefined) return fact;
      if (own === null) {
        known = false;
        return "";
      }
      return own[1] === "http" ? `{header:${own[2]!.replaceAll("_", "-")}}` : `{cookie:${own[2]!}}`;
    })
    .join("");
  return known && !template.includes("$") ? template : undefined;
}
