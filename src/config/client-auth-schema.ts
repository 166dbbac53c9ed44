import { choice, flag, optionalChoice, optionalFlag, optionalText, optionalTexts, texts } from "./keys.ts";

const modes = ["none", "optional", "required"] as const;
/** Type and example of keys that name certificates. */
export const clientNames = {
  type: "array of dns:NAME, uri:URI, email:MAILBOX",
  doc: "Names (subjectAltName) of which a client's certificate must have one; dns:*.NAME = any depth below, uri:…/* = all that begins so, email:*@NAME = any mailbox there.",
  example: ["dns:*.clients.example.org"],
} as const;
const crl = {
  type: "path",
  example: "/etc/zion/tls/clients.crl",
  doc: "PEM revocation lists, one of each authority in `client_ca_path`. What none of them speaks for is refused.",
} as const;
const enforce = "Refuse certificates whose revocation list is past its nextUpdate.";

/** Keys of `[tls]` about certificates of clients. */
export const clientAuthKeys = {
  client_auth: choice(
    modes,
    "none",
    "Certificates of clients, for names that [[tls.sni]] gives no rules of their own: not asked for, taken if shown, or 403 without. A bad one is refused wherever it was asked for. Routes may ask for more.",
  ),
  client_ca_path: optionalText({
    type: "path",
    example: "/etc/zion/tls/client-ca.pem",
    doc: "PEM authorities of clients, each with its issuers up to a root. Never those of the system.",
  }),
  client_crl_path: optionalText(crl),
  client_crl_enforce_next_update: flag(false, enforce),
  client_names: texts({ ...clientNames, default: [] }),
};

/** The same of `[[tls.sni]]`. */
export const sniClientAuthKeys = {
  client_auth: optionalChoice(modes, "For this name, instead of [tls]'s."),
  client_ca_path: optionalText({
    type: "path",
    example: "/etc/zion/tls/partner-ca.pem",
    doc: "For this name, instead of [tls]'s, whose revocation lists and names do not hold then either.",
  }),
  client_crl_path: optionalText({ ...crl, doc: "Revocation lists of the authorities beside it." }),
  client_crl_enforce_next_update: optionalFlag(enforce),
  client_names: optionalTexts({ ...clientNames, doc: "For this name, instead of [tls]'s." }),
};

/** Of `[[route]]`. */
export const routeClientAuth = choice(
  modes,
  "none",
  "Certificates of clients, beside what the host asks: its handshakes ask for one, and `required` refuses this route to whoever showed none.",
);
