import { hash } from "node:crypto";
import { type Claim, endsMs } from "./claim.ts";
import { encodeClaim } from "./claim-coding.ts";

/** What a signer stands by at `atMs`, in 12 bytes: however it is ordered, and whoever computes it. */
export function digestOf(
  claims: Iterable<Claim>,
  atMs: number,
): { readonly count: number; readonly digest: string } {
  let count = 0;
  const sum = Buffer.alloc(8);
  for (const claim of claims) {
    if (claim.atMs > atMs || endsMs(claim) <= atMs) continue;
    count++;
    const own = hash("sha256", encodeClaim(claim), "buffer");
    for (let i = 0; i < 8; i++) sum[i] = sum[i]! ^ own[i]!;
  }
  return { count, digest: sum.toString("hex") };
}
