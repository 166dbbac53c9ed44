import { addChange, addField, removeField } from "./changes.ts";
import { effective, type Place } from "./nginx-scope.ts";
import type { Directive } from "./nginx-syntax.ts";
import { templateOf } from "./nginx-template.ts";
import { differs, needsYou, type Outcome, translated } from "./verdict.ts";

/** `proxy_set_header NAME VALUE`: what this gateway sends anyway, or nothing of the kind. */
export function translateRequestField(directive: Directive, place: Place): Outcome {
  const [name = "", value = ""] = directive.args;
  const isHost = /^\$(?:host|http_host|host:\$server_port|http_host:\$server_port)$/.test(value);
  switch (name.toLowerCase()) {
    case "host":
      if (isHost) {
        place.upstream["preserve_host"] = true;
        return translated("`preserve_host = true`");
      }
      if (value === "$proxy_host") return translated("the upstream's own authority is what is sent");
      return /^[\w.:-]+$/.test(value) && addChange(place.route, "rewrite", { host: value })
        ? translated("`rewrite.host`")
        : needsYou("this Host cannot be said here: upstreams get the client's, or their own authority");
    case "x-forwarded-for":
      return forwardedFor(value, place);
    case "x-real-ip":
      return /^\$(?:remote_addr|realip_remote_addr)$/.test(value)
        ? translated("X-Real-IP is always sent")
        : differs("X-Real-IP is always the client's address");
    case "x-forwarded-proto":
    case "x-forwarded-scheme":
    case "x-scheme":
      return name.toLowerCase() !== "x-forwarded-proto"
        ? setField(name, value, place)
        : value === "$scheme"
          ? translated("X-Forwarded-Proto is always sent")
          : differs("X-Forwarded-Proto says how the client's connection came to this gateway");
    case "x-forwarded-host":
      return isHost
        ? translated("X-Forwarded-Host is always sent")
        : differs("X-Forwarded-Host is always the client's Host");
    case "x-forwarded-port":
      return value === "$server_port"
        ? differs("X-Forwarded-Port is the port of the client's Host, 80 or 443 where it names none")
        : differs("X-Forwarded-Port is always the port that the client named");
    case "x-request-id":
      return value === "$request_id"
        ? translated("X-Request-ID is always sent")
        : differs("X-Request-ID is the client's where it is a good one, else a new one");
    case "upgrade":
      if (value !== "$http_upgrade") return needsYou("only the client's own upgrade is passed on");
      place.route["mode"] = "websocket";
      return differs(
        '`mode = "websocket"`: only WebSocket is upgraded to, and pages of other hosts may not open one unless `websocket_origins` names them',
      );
    case "connection":
      return /^(?:\$connection_upgrade|\$http_connection|upgrade|)$/i.test(value)
        ? translated("Connection is the gateway's own")
        : differs("Connection is the gateway's own");
    default:
      return isAuthField(name, value, place)
        ? translated("see `auth_request`")
        : serviceField(name, value, place);
  }
}

/** A field of the operator's own: with an empty value it does not go upstream. */
function setField(name: string, value: string, place: Place): Outcome {
  if (value === "")
    return removeField(place.route, "request_headers", name)
      ? translated("`request_headers.remove`")
      : needsYou("this field cannot be removed here");
  const template = templateOf(value, place.scope);
  return template !== undefined && addField(place.route, "request_headers", "set", name, template)
    ? translated("`request_headers.set`")
    : needsYou("this field cannot be set here");
}

/** The service's answer has the field under the same name. */
function isAuthField(name: string, value: string, place: Place): boolean {
  const source = `$upstream_http_${name.toLowerCase().replaceAll("-", "_")}`;
  return effective(place.scope, "auth_request_set").some(
    ({ args }) => args[0] === value && args[1]?.toLowerCase() === source,
  );
}

/** What a service that decides is told anyway. */
function serviceField(name: string, value: string, place: Place): Outcome {
  const { isService } = place;
  if (!isService) return setField(name, value, place);
  switch (name.toLowerCase()) {
    case "content-length":
      return translated("no body goes to the service");
    case "x-original-uri":
    case "x-original-url":
      return differs("the service finds it in X-Forwarded-Uri");
    case "x-original-method":
      return differs("the service finds it in X-Forwarded-Method");
    default:
      return needsYou("the service is sent `request_fields`, X-Forwarded-Method and X-Forwarded-Uri");
  }
}

function forwardedFor(value: string, place: Place): Outcome {
  const { server } = place.nginx.draft;
  const isAppended = value === "$proxy_add_x_forwarded_for";
  const isBehindProxies = effective(place.scope, "set_real_ip_from").length > 0;
  const mode = isAppended && !isBehindProxies ? "append" : "rewrite";
  const before = server["xff_mode"];
  server["xff_mode"] ??= mode;
  if (before !== undefined && before !== mode)
    return differs(`\`xff_mode\` is "${String(before)}" for all routes`);
  if (isAppended && isBehindProxies)
    return differs("X-Forwarded-For is the client's address behind `trusted_proxies`, not the whole chain");
  if (isAppended) return translated('`xff_mode = "append"`');
  return /^\$(?:binary_)?remote_addr$/.test(value)
    ? translated('`xff_mode = "rewrite"`')
    : differs("X-Forwarded-For is the client's address");
}
