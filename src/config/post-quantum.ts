import { hasPostQuantum } from "../cert/tls-policy.ts";
import type { TlsInput } from "./schema.ts";
import type { SectionContext } from "./section.ts";

/**
 * A promise that cannot be kept is refused: a gateway that requires X25519MLKEM768 and does not have it is not there, and
 * so not ready. `isSupported` is asked of this process; tests give another.
 */
export function checkPostQuantum(
  { pq_mode, min_version }: Pick<TlsInput, "pq_mode" | "min_version">,
  { findings }: Pick<SectionContext, "findings">,
  isSupported: () => boolean = hasPostQuantum,
): void {
  if (pq_mode !== "require") return;
  const path = ["tls", "pq_mode"];
  if (min_version === "1.2") {
    findings.add({
      code: "Z1214",
      path,
      message: '`pq_mode = "require"` and `min_version = "1.2"`: TLS 1.2 has no post-quantum key exchange',
      fix: 'write `min_version = "1.3"`, or `pq_mode = "prefer"`',
    });
  }
  if (!isSupported())
    findings.add({ code: "Z1315", path, message: "OpenSSL of this process has no X25519MLKEM768" });
}
