import { z } from "zod";
import { flag, int, optionalText } from "./keys.ts";

/** `[valkey]`. */
export const limitStore = z.strictObject({
  url: optionalText({
    type: "url",
    example: "rediss://valkey.internal:6379",
    doc: "rediss://host:port over TLS, or redis://host:port without, which is for loopback only; /1 behind it names a database. Required.",
  }),
  allow_plaintext: flag(
    false,
    "Allow redis:// to other hosts: whoever is between reads the password and may change counts.",
  ),
  username: optionalText({
    example: "zion",
    doc: "User of the store's access list. Absent = its default user.",
  }),
  password_file: optionalText({
    type: "path",
    example: "/etc/zion/valkey.password",
    doc: "File with the password, read at every connection. A line end behind it is not part of it.",
  }),
  ca_path: optionalText({
    type: "path",
    example: "/etc/zion/tls/valkey-ca.pem",
    doc: "PEM of a private CA, instead of the system's. rediss:// only.",
  }),
  server_name: optionalText({
    type: "host name",
    example: "valkey.internal",
    doc: "Name to verify in TLS. Absent = the URL's host. rediss:// only.",
  }),
  connect_timeout_ms: int({
    min: 10,
    max: 60_000,
    default: 1000,
    doc: "TCP, TLS and log-in together.",
  }),
  command_timeout_ms: int({
    min: 10,
    max: 60_000,
    default: 250,
    doc: "One exchange. Without an answer the store counts as gone.",
  }),
});

export type LimitStoreInput = z.infer<typeof limitStore>;
