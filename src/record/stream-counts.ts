/**
 * WebSockets and event streams of one route: what is open, for `max_streams`, and what was counted. Lives as long as
 * the worker, under the route's name: a stream that outlives a reload still has its place.
 */
export class StreamCounts {
  webSockets = 0;
  eventStreams = 0;
  eventStreamsTotal = 0;
  /** Upgrade requests by what became of them. */
  readonly upgrades = { switched: 0, declined: 0, refused: 0, ignored: 0 };
  /** Of clients, looked at. */
  messages = 0;
  bytesToUpstream = 0;
  bytesToClient = 0;

  get open(): number {
    return this.webSockets + this.eventStreams;
  }

  /**
   * An exchange that asked for an upgrade ended without one. `isServed`: the route serves WebSockets; `isHandshake`: it
   * was one.
   */
  countUpgrade({ status, reason }: Ending, isServed: boolean, isHandshake: boolean): void {
    if (status === 101) return;
    if (isServed && reason !== undefined) this.upgrades.refused++;
    else if (isServed && isHandshake) this.upgrades.declined++;
    else this.upgrades.ignored++;
  }
}

/** What it takes of a record. */
interface Ending {
  readonly status: number;
  readonly reason: object | undefined;
}
