import { type Address, addressGroup } from "../identity/address.ts";
import { KeyHash } from "../limit/key-hash.ts";
import { KeyTable } from "../limit/key-table.ts";
import { gcra, type Rate } from "../limit/rate.ts";

/** Addresses remembered, 2 MB: those that connect are seen again at once, the others may be forgotten. */
const ADDRESSES_MAX = 20_000;

/**
 * How many TLS connections an address (IPv6: /64) may open per second, twice as many at once. A handshake costs a
 * worker 1.6-1.8 ms and a client almost nothing, so what is too much is closed before its first byte is looked at
 * (reliability.md C4).
 */
export class HandshakeRate {
  /** Connections closed. */
  refused = 0;
  readonly #table = new KeyTable(ADDRESSES_MAX);
  readonly #hash: KeyHash;
  #perSec = 0;
  #rate: Rate = gcra(1, 1000, 1);

  /** `seed` has 8 bytes. */
  constructor(seed: Buffer) {
    this.#hash = new KeyHash(seed);
  }

  /** 0 = no limit. What was counted stays. */
  set perSec(perSec: number) {
    this.#perSec = perSec;
    if (perSec > 0) this.#rate = gcra(perSec, 1000, perSec * 2);
  }

  allows(address: Address, nowMs: number): boolean {
    if (this.#perSec === 0) return true;
    const group = Buffer.from(addressGroup(address), "latin1");
    this.#hash.begin(0);
    this.#hash.bytes(group, 0, group.length);
    const slot = this.#table.touch(this.#hash.lo, this.#hash.hi);
    if (this.#rate.take(this.#table, slot, 1, nowMs) === 0) return true;
    this.refused++;
    return false;
  }
}
