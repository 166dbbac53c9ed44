import { F } from "../http/field.ts";
import { type CanonicalRequest, FIELD_SLOTS, VALUE_END, VALUE_START } from "../http/request.ts";
import { dropExtensions, PLAIN, readHandshake, WEBSOCKET } from "../http/websocket.ts";
import { type Reason, reasons } from "../reason.ts";
import type { GateRoute } from "./context.ts";
import type { OriginRule } from "./origin-rule.ts";

/**
 * Decides what an upgrade request is. On routes that serve WebSocket: a correct handshake from a page that may ask, or
 * a refusal. Everywhere else it is a plain request: its Upgrade goes no further than this hop (RFC 9110 §7.8).
 */
export function checkUpgrade(request: CanonicalRequest, route: GateRoute): Reason | undefined {
  if (!request.upgrade) return undefined;
  // Over HTTP/2 it was a CONNECT: nothing that could go on as a plain request.
  if (route.webSocket === undefined) return request.version === 20 ? reasons.method : undefined;
  const found = readHandshake(request);
  if (found === PLAIN) return undefined;
  if (found !== WEBSOCKET) return found;
  request.webSocket = true;
  if (route.webSocket.messageBytesMax !== undefined) dropExtensions(request);
  return isAllowedOrigin(request, route.webSocket.origins) ? undefined : reasons.websocketOrigin;
}

/**
 * Browsers let any page open a WebSocket to any host, with the user's cookies (RFC 6455 §10.2): the Origin is all that
 * tells the pages apart. Clients that are no browsers send none.
 */
function isAllowedOrigin(request: CanonicalRequest, rule: OriginRule): boolean {
  const index = request.firstField[F.origin]!;
  if (index < 0) return true;
  const slot = index * FIELD_SLOTS;
  const origin = request.text(request.fields[slot + VALUE_START]!, request.fields[slot + VALUE_END]!);
  return rule.allows(origin.toLowerCase(), request.hostText(), request.port);
}
