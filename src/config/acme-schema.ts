import { z } from "zod";
import { choice, flag, int, optionalChoice, optionalInt, optionalText, optionalTexts, text } from "./keys.ts";

const challenges = ["http-01", "tls-alpn-01"] as const;
const keyTypes = ["ecdsa-p256", "ecdsa-p384", "rsa-2048", "rsa-3072", "rsa-4096"] as const;

/** `[tls.acme.account.NAME]`. */
export const acmeAccount = z.strictObject({
  directory_url: text({
    type: "url",
    default: "https://acme-v02.api.letsencrypt.org/directory",
    doc: "Directory of the CA. Try a new setup with its staging directory: limits of the real one last a week.",
  }),
  email: optionalText({ example: "ops@example.org", doc: "Where the CA writes when something is wrong." }),
  terms_agreed: flag(false, "You agree to the terms of service of this CA. Required."),
  ca_path: optionalText({
    type: "path",
    example: "/etc/zion/tls/acme-ca.pem",
    doc: "PEM of the CA that the directory's own certificate is from, for private ones. Absent = the system's.",
  }),
  eab_key_id: optionalText({ example: "kid-1", doc: "Key id of an external account binding." }),
  eab_hmac_env: optionalText({
    type: "environment variable",
    example: "ZION_ACME_EAB",
    doc: "Variable that holds its HMAC key, base64url.",
  }),
  eab_hmac_file: optionalText({
    type: "path",
    example: "/etc/zion/acme-eab.key",
    doc: "File that holds it, read when an account is asked for. Instead of eab_hmac_env.",
  }),
});

/** `[[tls.acme.certificate]]`. */
export const acmeCertificate = z.strictObject({
  domains: optionalTexts({
    type: "array of host names",
    example: ["api.example.org"],
    doc: "Names in one certificate, 1 to 100. Required. The first one names its files.",
  }),
  account: optionalText({
    example: "staging",
    doc: "Name of an [tls.acme.account.NAME]. Absent = the account of [tls.acme].",
  }),
  challenge: optionalChoice(challenges, "Absent = as [tls.acme] says."),
  key_type: optionalChoice(keyTypes, "Absent = as [tls.acme] says."),
  renew_before_days: optionalInt({ min: 1, max: 365, example: 30, doc: "Absent = as [tls.acme] says." }),
});

/** `[tls.acme]`: a certificate, its account, and what others start from. */
export const acme = z.strictObject({
  ...acmeAccount.shape,
  domains: optionalTexts({
    type: "array of host names",
    example: ["example.org", "www.example.org"],
    doc: "Names in one certificate, 1 to 100. The first one names its files. Without `cert_path` it is the default certificate.",
  }),
  challenge: choice(
    challenges,
    "http-01",
    "How the CA is shown that a name is ours: by plain HTTP on port 80, or by a TLS handshake on port 443.",
  ),
  key_type: choice(keyTypes, "ecdsa-p256", "Of the certificates' keys. Each renewal makes a new one."),
  renew_before_days: int({
    min: 1,
    max: 365,
    default: 30,
    doc: "Renew this long before the end, and in any case when a third of the life is left. Where the CA says when (ARI), that counts.",
  }),
  state_dir: optionalText({
    type: "path",
    example: "/var/lib/zion/acme",
    doc: "Directory of mode 0700 with keys, certificates and orders; gateways of one machine may share it. Absent = `acme` in `state_dir` of [server].",
  }),
  account: z.record(z.string(), acmeAccount, { error: "expected a table" }).default({}),
  certificate: z
    .array(acmeCertificate, { error: "expected an array of tables: write [[tls.acme.certificate]]" })
    .default([]),
});

export type AcmeInput = z.infer<typeof acme>;
export type AcmeAccountInput = z.infer<typeof acmeAccount>;
