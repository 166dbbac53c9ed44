import type { Exchange } from "../exchange.ts";
import { type MessageOwner, MessageScreen } from "../gate/message-screen.ts";
import { type WafVerdict, wafReasons } from "../gate/waf-verdict.ts";
import { editAnswerFields } from "../http/field-edit.ts";
import type { ResponseHead } from "../http/response-head.ts";
import type { TunnelEnd, TunnelSide } from "../http/tunnel-end.ts";
import { hasExtensions } from "../http/websocket.ts";
import { CLOSE_POLICY } from "../http/websocket-frames.ts";
import { type Reason, reasons } from "../reason.ts";
import type { Route } from "../snapshot.ts";
import { streamLife } from "../upstream/stream-place.ts";
import { Tunnel, type TunnelOwner } from "../upstream/tunnel.ts";
import type { Inspector } from "../waf/inspector.ts";

/** The upstream's 101 goes to the client, and the two are spliced (upstream/answer-sink.ts `onAnswerSwitch`). */
export function openWebSocket(
  exchange: Exchange,
  head: ResponseHead,
  connection: TunnelEnd,
): TunnelSide | undefined {
  const { record, request, state } = exchange;
  const route = exchange.route!;
  const { tunnel } = new WebSocketExchange(exchange, route, hasExtensions(head));
  record.status = 101;
  record.answeredMs = state.clock.nowMs();
  exchange.forwarding!.settle(101, record.answeredMs);
  exchange.forwarding!.release();
  const { answerFields, scope } = route.transform;
  if (answerFields !== undefined) editAnswerFields(head, answerFields, request, scope);
  exchange.bind(head);
  const client = exchange.downstream.switchProtocols?.(head, tunnel.client);
  if (client === undefined) {
    exchange.abandon(reasons.clientGone);
    return undefined;
  }
  exchange.answerStarted = true;
  exchange.tunnel = tunnel;
  route.counters.streams.upgrades.switched++;
  tunnel.start(client, connection);
  return tunnel.upstream;
}

/**
 * An exchange from its 101 to its end: the bytes of its tunnel are counted, and where the route says so, the client's
 * messages are looked at.
 */
class WebSocketExchange implements TunnelOwner, MessageOwner {
  readonly tunnel: Tunnel;
  readonly #exchange: Exchange;
  readonly #route: Route;

  constructor(exchange: Exchange, route: Route, extensions: boolean) {
    this.#exchange = exchange;
    this.#route = route;
    const { request, snapshot, state } = exchange;
    const life = streamLife(request, snapshot.connection.ageMaxMs, state.clock);
    const limits = { idleMs: route.webSocket!.idleMs, ...life };
    this.tunnel = new Tunnel(this, limits, state.wheel, extensions, this.#messageScreen());
  }

  /** Undefined = the tunnel is opaque. */
  #messageScreen(): MessageScreen | undefined {
    const { waf, name, webSocket } = this.#route;
    const { messageBytesMax } = webSocket!;
    if (waf === undefined || messageBytesMax === undefined) return undefined;
    return new MessageScreen(this, this.#exchange.state.waf, { waf, route: name, messageBytesMax });
  }

  onMessageVerdict(verdict: WafVerdict, inspector: Inspector): void {
    this.#route.counters.streams.messages++;
    if (this.#exchange.record.noteVerdict(verdict, inspector, this.#route.waf!.shadow))
      this.tunnel.close(wafReasons[verdict.gate], CLOSE_POLICY);
  }

  onTunnelBytes(toUpstream: boolean, count: number): void {
    const { record } = this.#exchange;
    const { streams } = this.#route.counters;
    if (toUpstream) {
      record.requestBytes += count;
      streams.bytesToUpstream += count;
    } else {
      record.responseBytes += count;
      streams.bytesToClient += count;
    }
  }

  onTunnelEnd(reason: Reason | undefined, detail: string): void {
    const exchange = this.#exchange;
    if (exchange.concluded) return;
    exchange.tunnel = undefined;
    exchange.record.reason = reason;
    exchange.record.faultDetail = reason === undefined ? "" : detail;
    exchange.forwarding?.finish();
    exchange.forwarding = undefined;
    exchange.conclude();
  }

  onDefect(cause: unknown): void {
    this.#exchange.onDefect(cause);
  }
}
