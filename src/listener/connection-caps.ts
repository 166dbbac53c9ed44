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

  /** The group to `leave` later, or why the connection is refused. */
  enter(address: Address): { readonly group: string } | "conn_cap" | "conn_cap_address" {
    if (this.open >= this.connectionsMax) {
      this.rejectedTotal++;
      return "conn_cap";
    }
    const group = addressGroup(address);
    const held = this.#groups.get(group) ?? 0;
    if (this.perGroupMax > 0 && held >= this.perGroupMax) {
      this.rejectedPerGroup++;
      return "conn_cap_address";
    }
    this.open++;
    this.#groups.set(group, held + 1);
    return { group };
  }

  leave(group: string): void {
    this.open--;
    const held = this.#groups.get(group) ?? 0;
    if (held <= 1) this.#groups.delete(group);
    else this.#groups.set(group, held - 1);
  }
}
