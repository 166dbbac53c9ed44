import type { CanonicalRequest } from "../http/request.ts";
import { type Reason, reasons } from "../reason.ts";
import type { Clock } from "../std/clock.ts";
import { Deadline, type TimerWheel } from "../std/timer-wheel.ts";

/**
 * A place of a route's `max_streams`: of a WebSocket or of an event stream, which have no end of their own. An event stream
 * is told when it has lived long enough; a tunnel looks after its own age.
 */
export class StreamPlace {
  readonly isWebSocket: boolean;
  /** Why an event stream ends by its age. */
  readonly ageReason: Reason;
  readonly #streams: OpenStreams;
  readonly #wheel: TimerWheel;
  readonly #age: Deadline | undefined;

  /** `owner` is told of the age; undefined = a WebSocket. */
  constructor(
    streams: OpenStreams,
    wheel: TimerWheel,
    { ageMs, ageReason }: StreamLife,
    owner: { expire(): void } | undefined,
  ) {
    this.#streams = streams;
    this.#wheel = wheel;
    this.isWebSocket = owner === undefined;
    this.ageReason = ageReason;
    this.#age = owner === undefined ? undefined : new Deadline(owner);
    if (this.#age === undefined) {
      streams.webSockets++;
      return;
    }
    streams.eventStreams++;
    streams.eventStreamsTotal++;
    wheel.set(this.#age, wheel.nowMs + ageMs);
  }

  leave(): void {
    if (this.isWebSocket) this.#streams.webSockets--;
    else this.#streams.eventStreams--;
    if (this.#age !== undefined) this.#wheel.clear(this.#age);
  }
}

/** Met by record/stream-counts.ts. */
interface OpenStreams {
  webSockets: number;
  eventStreams: number;
  eventStreamsTotal: number;
}

export interface StreamLife {
  readonly ageMs: number;
  readonly ageReason: Reason;
}

/**
 * How long a stream may live. A tenth less for some: those that began together do not end, and come again, together.
 * Never longer than the credentials it was opened with.
 */
export function streamLife(request: CanonicalRequest, ageMaxMs: number, clock: Clock): StreamLife {
  const ageMs = ageMaxMs * (1 - Math.random() / 10);
  const { identity, clientCertificate } = request;
  const untilMs = Math.min(identity?.untilMs ?? Infinity, clientCertificate?.untilMs ?? Infinity);
  const leftMs = untilMs === Infinity ? Infinity : Math.max(0, untilMs - clock.wallMs());
  if (leftMs < ageMs) return { ageMs: leftMs, ageReason: reasons.streamExpired };
  return { ageMs, ageReason: reasons.streamAge };
}
