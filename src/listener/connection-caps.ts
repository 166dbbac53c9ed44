import type { Address } from "../identity/address.ts";
import { addressGroup } from "../identity/address.ts";

/**
 * Counts the client connections of a worker, in all and per address group (IPv4 address or IPv6 /64). Counted here
 * and not by `server.getConnections`, which loses sockets that are handed on. The map holds only groups with open
 * connections, so `connectionsMax` bounds it.
 */
export class ConnectionCaps {
  connectionsMax: number;
  perGroupMax: number;
  open = 0;
  rejectedTotal = 0;
  rejectedPerGroup = 0;
  readonly #groups = new Map<string, number>();

  /** `perGroupMax` 0 = no limit per address. */
  constructor(connectionsMax: number, perGroupMax: number) {
    this.connectionsMax = connectionsMax;
    this.perGroupMax = perGroupMax;
  }

  /** Takes one of all places; false: there is none. Given back by `leave`. */
  enter(): boolean {
    if (this.open >= this.connectionsMax) {
      this.rejectedTotal++;
      return false;
    }
    this.open++;
    return true;
  }

  /** Counts the connection for its address. The group to `leave` later; undefined: the address has its share. */
  join(address: Address): string | undefined {
    const group = addressGroup(address);
    const held = this.#groups.get(group) ?? 0;
    if (this.perGroupMax > 0 && held >= this.perGroupMax) {
      this.rejectedPerGroup++;
      return undefined;
    }
    this.#groups.set(group, held + 1);
    return group;
  }

  /** `group` is undefined for connections that never joined one. */
  leave(group: string | undefined): void {
    this.open--;
    if (group === undefined) return;
    const held = this.#groups.get(group) ?? 0;
    if (held <= 1) this.#groups.delete(group);
    else this.#groups.set(group, held - 1);
  }
}
