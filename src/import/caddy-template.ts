import { literal } from "./changes.ts";

const facts: Readonly<Record<string, string>> = {
  host: "{host}",
  hostport: "{host}",
  uri: "{uri}",
  path: "{path}",
  query: "{query}",
  scheme: "{scheme}",
  method: "{method}",
  remote_host: "{client_ip}",
  client_ip: "{client_ip}",
  "http.request.host": "{host}",
  "http.request.hostport": "{host}",
  "http.request.uri": "{uri}",
  "http.request.uri.path": "{path}",
  "http.request.uri.query": "{query}",
  "http.request.scheme": "{scheme}",
  "http.request.method": "{method}",
  "http.request.remote.host": "{client_ip}",
  "http.request.uuid": "{request_id}",
};

/** A text of Caddy with its placeholders as a template of this gateway; undefined when one has no like here. */
export function caddyTemplate(text: string): string | undefined {
  let known = true;
  const template = text
    .split(/(\{[^{}\s]*\})/)
    .map((part) => {
      const name = /^\{([^{}\s]*)\}$/.exec(part)?.[1];
      if (name === undefined) return literal(part);
      if (Object.hasOwn(facts, name)) return facts[name]!;
      const named = /^(?:http\.request\.)?(header|cookie)\.([\w-]+)$/.exec(name);
      if (named === null) known = false;
      return named === null ? "" : `{${named[1]}:${named[2]}}`;
    })
    .join("");
  return known ? template : undefined;
}
