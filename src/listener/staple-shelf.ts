import type { CertificateChain } from "../cert/store.ts";
import type { Clock } from "../std/clock.ts";

/** The OCSP answers that a worker's handshakes carry. Bounded by the number of certificates: the primary sends them all. */
export interface StapleShelf {
  replace(staples: readonly StapleOnShelf[]): void;
  /** For handshakes; undefined = there is none, or it has become too old to be shown. */
  readonly of: (chain: CertificateChain) => Buffer | undefined;
}

interface StapleOnShelf {
  readonly sha256: string;
  readonly der: Uint8Array;
  /** Wall-clock milliseconds. */
  readonly untilMs: number;
}

export function createStapleShelf(clock: Pick<Clock, "wallMs">): StapleShelf {
  let shelf: ReadonlyMap<string, { readonly der: Buffer; readonly untilMs: number }> = new Map();
  return {
    replace(staples) {
      shelf = new Map(
        staples.map(({ sha256, der, untilMs }) => [sha256, { der: Buffer.from(der), untilMs }]),
      );
    },
    of({ sha256 }) {
      const staple = shelf.get(sha256);
      return staple !== undefined && clock.wallMs() < staple.untilMs ? staple.der : undefined;
    },
  };
}
