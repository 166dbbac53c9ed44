import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** ECDSA P-256, what certificate authorities issue by default; signed by itself. */
export function makeCertificate(directory: string): { certFile: string; keyFile: string; bothFile: string } {
  const certFile = join(directory, "cert.pem");
  const keyFile = join(directory, "key.pem");
  const bothFile = join(directory, "both.pem");
  const args =
    "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost";
  const made = spawnSync("openssl", [...args.split(" "), "-keyout", keyFile, "-out", certFile], {
    encoding: "utf8",
    timeout: 10_000,
  });
  if (made.status !== 0) throw new Error(`openssl made no certificate: ${made.stderr}`);
  writeFileSync(bothFile, readFileSync(certFile, "utf8") + readFileSync(keyFile, "utf8"), { mode: 0o600 });
  return { certFile, keyFile, bothFile };
}
