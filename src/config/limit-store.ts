import { isLoopback, type Reading, readHostName } from "./address.ts";
import { readAuthorities } from "./certificate.ts";
import type { LimitStoreConfig } from "./config.ts";
import type { Path } from "./finding.ts";
import { keyLabel } from "./label.ts";
import type { LimitStoreInput } from "./limit-store-schema.ts";
import type { DocumentInput } from "./schema.ts";
import { readNamedFile, requireKey, resolvePath, type SectionContext, take } from "./section.ts";

/** Checks `[valkey]`. Undefined without one, or, with findings, if it cannot be spoken to. */
export function readLimitStore(
  document: DocumentInput,
  context: SectionContext,
): LimitStoreConfig | undefined {
  const input = document.valkey;
  if (input === undefined) return undefined;
  const path: Path = ["valkey"];
  const isMeshed = document.mesh?.enabled === true || document.sovereign_aimp?.enabled === true;
  if (!isMeshed && !Object.values(document.limit).some(({ store }) => store === "valkey"))
    context.findings.add({
      code: "Z2108",
      path,
      at: "key",
      message: "no limit counts in the store of [valkey], and no mesh meets there",
      fix: 'add store = "valkey" to a limit, or [mesh], or remove the table',
    });
  if (!requireKey(path, "url", input.url, "[valkey]", context)) return undefined;
  const place = take(readStoreUrl(input.url!), "Z1106", [...path, "url"], input.url!, context);
  if (place === undefined) return undefined;
  if (!place.tls && !isLoopback(place.host) && !input.allow_plaintext)
    context.findings.add({
      code: "Z1214",
      path: [...path, "url"],
      message: `[valkey] would send its password to ${place.host} without TLS`,
      effect: "whoever is between could read it, and lift every limit.",
      fix: "write rediss://, or allow_plaintext = true where the network protects it",
    });
  return {
    ...place,
    username: input.username,
    passwordFile: readPasswordFile(path, input, context),
    caPem: readTlsKey(path, "ca_path", input, place.tls, context, (at, file) =>
      readAuthorities(at, file, context),
    ),
    serverName: readTlsKey(path, "server_name", input, place.tls, context, (at, text) =>
      take(readHostName(text, false), "Z1103", at, text, context),
    ),
    connectTimeoutMs: input.connect_timeout_ms,
    commandTimeoutMs: input.command_timeout_ms,
  };
}

interface StorePlace {
  readonly tls: boolean;
  readonly host: string;
  readonly port: number;
  readonly database: number;
}

function readStoreUrl(text: string): Reading<StorePlace> {
  const match = /^(rediss?|valkeys?):\/\/([^/?#]*?)(?::([0-9]{1,5}))?(?:\/([0-9]{1,2})?)?$/.exec(text);
  if (match === null) return { problem: "expected rediss://host:port, or redis://host:port on loopback" };
  const [, scheme = "", authority = "", port = "6379", database = "0"] = match;
  if (authority.includes("@")) return { problem: "a password does not belong here: use `password_file`" };
  const name = readHostName(authority, false);
  if (!("value" in name)) return { problem: `host: ${name.problem}` };
  if (Number(port) < 1 || Number(port) > 65_535) return { problem: "the port must be 1 to 65535" };
  const host = name.value.replace(/^\[|\]$/g, "");
  return {
    value: {
      tls: scheme === "rediss" || scheme === "valkeys",
      host,
      port: Number(port),
      database: Number(database),
    },
  };
}

/** Read here only to see that it can be: the password itself never leaves the control plane. */
function readPasswordFile(path: Path, input: LimitStoreInput, context: SectionContext): string | undefined {
  const file = input.password_file;
  if (file === undefined) {
    if (input.username !== undefined)
      requireKey(path, "password_file", undefined, "[valkey] with a `username`", context);
    return undefined;
  }
  const at = [...path, "password_file"];
  const text = readNamedFile(at, file, context, "utf8");
  if (text?.trim() === "")
    context.findings.add({ code: "Z1106", path: at, message: `${keyLabel(at)}: the file is empty` });
  return resolvePath(file, context);
}

function readTlsKey<Key extends "ca_path" | "server_name">(
  path: Path,
  key: Key,
  input: LimitStoreInput,
  isTls: boolean,
  { findings }: SectionContext,
  read: (at: Path, text: string) => string | undefined,
): string | undefined {
  const text = input[key];
  if (text === undefined) return undefined;
  const at = [...path, key];
  if (isTls) return read(at, text);
  findings.add({
    code: "Z1214",
    path: at,
    message: `${keyLabel(at)} is for TLS, and the url has none`,
    related: [{ path: [...path, "url"], label: "without TLS" }],
  });
  return undefined;
}
