import { z } from "zod";
import { isLoopback, readHostName } from "./address.ts";
import { readAuthorities, readPair } from "./certificate.ts";
import type {
  AdminConfig,
  AdminTlsConfig,
  AdminTokenConfig,
  ControlAddress,
  SocketAddress,
} from "./config.ts";
import { checkName } from "./definition.ts";
import type { Path } from "./finding.ts";
import { choice, flag, keyDocs, optionalText, text, texts } from "./keys.ts";
import { keyLabel, shownValue } from "./label.ts";
import { moment, readEnd } from "./moment.ts";
import type { DocumentInput } from "./schema.ts";
import { requireKey, resolvePath, type SectionContext, take } from "./section.ts";

const expires = moment.clone();
keyDocs.add(expires, {
  type: "date, or date and time with offset",
  preset: undefined,
  example: "2030-06-30",
  doc: "From then on the token is not good; a date means its first moment in UTC. Required.",
});

/** `[admin.token.NAME]`. */
export const adminToken = z.strictObject({
  sha256: optionalText({
    type: "64 hexadecimal digits",
    example: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    doc: "SHA-256 of the token, which itself is written nowhere: `zion token NAME` makes both. Required.",
  }),
  role: choice(
    ["read", "operate", "admin"],
    "read",
    "What it may do: read what there is; operate it (reload, drain, bans, revoked tokens); admin: put other configurations in force. Each may do what those before it may.",
  ),
  expires,
});

/** `[admin]`. */
export const admin = z.strictObject({
  listen: text({
    type: 'ip:port, "unix:/path" or "off"',
    default: "127.0.0.1:9180",
    doc: "Admin listener. Beyond loopback it needs cert_path, key_path and client_ca_path; a Unix socket, mode 0600, needs state_dir.",
  }),
  cert_path: optionalText({
    type: "path",
    example: "/etc/zion/admin/tls.crt",
    doc: "PEM chain, leaf first: TLS 1.3, with certificates on both sides. Needs key_path and client_ca_path.",
  }),
  key_path: optionalText({
    type: "path",
    example: "/etc/zion/admin/tls.key",
    doc: "Its PEM private key, mode 0600.",
  }),
  client_ca_path: optionalText({
    type: "path",
    example: "/etc/zion/admin/clients.crt",
    doc: "PEM of the authorities whose client certificates are let in.",
  }),
  hosts: texts({
    type: "array of host names",
    default: [],
    doc: "Names that the listener is asked for by, beside loopback names and the address that a client reached: 421 for others.",
  }),
  write: flag(
    false,
    "Take requests that change something, from who brings a token with the role for it. Without it the listener only shows.",
  ),
  write_token_env: optionalText({
    type: "environment variable",
    example: "ZION_ADMIN_TOKEN",
    doc: "Variable with a token of role admin that does not expire, at least 32 bytes; implies `write`. Better are tokens in tables of their own.",
  }),
  token: z.record(z.string(), adminToken, { error: "expected a table" }).default({}),
});

type AdminInput = DocumentInput["admin"];

/** Linux keeps the path of a Unix socket in 108 bytes; while it is bound its name is up to 9 bytes longer. */
const socketPathBytesMax = 98;

/** Checks `[admin]`. `listen` as `[server]` and `[telemetry]` read theirs. */
export function readAdmin(
  document: DocumentInput,
  readAddress: (path: Path, text: string) => SocketAddress | undefined,
  context: SectionContext,
): AdminConfig {
  const input = document.admin;
  const listen = readListen(input.listen, document.server?.state_dir !== undefined, readAddress, context);
  const tls = readTls(input, listen, context);
  const tokens = readTokens(input, context);
  const hosts = input.hosts
    .map((name, i) => take(readHostName(name, false), "Z1103", ["admin", "hosts", i], name, context))
    .filter((name) => name !== undefined);
  checkVariable(input.write_token_env, context);
  checkWrite(input, tokens, context);
  const write = input.write || input.write_token_env !== undefined;
  return { listen, tls, hosts, write, writeTokenEnv: input.write_token_env, tokens };
}

function readListen(
  text: string,
  hasStateDir: boolean,
  readAddress: (path: Path, text: string) => SocketAddress | undefined,
  context: SectionContext,
): ControlAddress | undefined {
  const path = ["admin", "listen"];
  if (!text.startsWith("unix:")) return readAddress(path, text);
  const socketPath = resolvePath(text.slice("unix:".length), context);
  if (text === "unix:" || Buffer.byteLength(socketPath) > socketPathBytesMax) {
    const problem =
      text === "unix:" ? "the path is missing" : `a socket's path has at most ${socketPathBytesMax} bytes`;
    context.findings.add({
      code: "Z1101",
      path,
      message: `${keyLabel(path)}: ${shownValue(path, text)}: ${problem}`,
      fix: 'write an absolute path such as "unix:/run/zion/admin.sock"',
    });
    return undefined;
  }
  if (!hasStateDir && !context.findings.isPoisoned(["server", "state_dir"]))
    context.findings.add({
      code: "Z1225",
      path,
      message: `${keyLabel(path)} is a Unix socket, and [server] has no \`state_dir\``,
    });
  return { path: socketPath };
}

/** All three files or none; without them only loopback. */
function readTls(
  input: AdminInput,
  listen: ControlAddress | undefined,
  context: SectionContext,
): AdminTlsConfig | undefined {
  const given = (["cert_path", "key_path", "client_ca_path"] as const).filter(
    (key) => input[key] !== undefined,
  );
  if (given.length === 0) {
    if (listen !== undefined && "host" in listen && !isLoopback(listen.host))
      context.findings.add({
        code: "Z1223",
        path: ["admin", "listen"],
        message: `${keyLabel(["admin", "listen"])}: ${listen.host} can be reached from other hosts`,
        label: "needs certificates on both sides",
      });
    return undefined;
  }
  if (listen !== undefined && "path" in listen)
    context.findings.add({
      code: "Z2108",
      path: ["admin", given[0]!],
      message: `${keyLabel(["admin", given[0]!])} has no effect: the listener is a Unix socket`,
    });
  const isWhole = (["cert_path", "key_path", "client_ca_path"] as const)
    .map((key) => requireKey(["admin"], key, input[key], "[admin]", context))
    .every((present) => present);
  if (!isWhole) return undefined;
  const pair = readPair(
    {
      certKey: ["admin", "cert_path"],
      keyKey: ["admin", "key_path"],
      certPath: input.cert_path!,
      keyPath: input.key_path!,
      serverName: input.hosts[0],
    },
    context,
  );
  const clientCaPem = readAuthorities(["admin", "client_ca_path"], input.client_ca_path!, context);
  return pair === undefined || clientCaPem === undefined ? undefined : { ...pair, clientCaPem };
}

function readTokens(input: AdminInput, context: SectionContext): readonly AdminTokenConfig[] {
  const tokens: AdminTokenConfig[] = [];
  for (const [name, { sha256, role, expires }] of Object.entries(input.token)) {
    const table = ["admin", "token", name];
    checkName(table, "a token", name, context);
    const what = `the token ${name}`;
    const isWhole = [
      requireKey(table, "sha256", sha256, what, context),
      requireKey(table, "expires", expires, what, context),
    ].every((present) => present);
    if (!isWhole) continue;
    const digest = readDigest([...table, "sha256"], sha256!, tokens, context);
    const past = { code: "Z2117", says: "the token expired" } as const;
    const expiresMs = readEnd([...table, "expires"], expires!, past, context);
    if (digest !== undefined && expiresMs !== undefined)
      tokens.push({ name, sha256: digest, role, expiresMs });
  }
  return tokens;
}

function readDigest(
  path: Path,
  text: string,
  before: readonly AdminTokenConfig[],
  context: SectionContext,
): string | undefined {
  const digest = text.toLowerCase();
  const twin = before.find(({ sha256 }) => sha256 === digest);
  const isDigest = /^[0-9a-f]{64}$/.test(digest);
  if (isDigest && twin === undefined) return digest;
  // The value is not shown: it may be the token itself.
  context.findings.add({
    code: "Z1106",
    path,
    message: `${keyLabel(path)} ${isDigest ? `is that of the token ${twin!.name}` : "is no SHA-256 in hexadecimal"}`,
    fix: isDigest
      ? "make one token for each name"
      : "write the 64 digits that `zion token NAME` prints, never the token",
  });
  return undefined;
}

function checkVariable(name: string | undefined, context: SectionContext): void {
  if (name === undefined || /^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) return;
  // The value is not shown: it may be the token itself.
  context.findings.add({
    code: "Z1106",
    path: ["admin", "write_token_env"],
    message: "`write_token_env` in [admin] is not the name of an environment variable",
    fix: "write the name of the variable that holds the token, never the token",
  });
}

/** Writing takes the switch and a token: one without the other is a slip. */
function checkWrite(input: AdminInput, tokens: readonly AdminTokenConfig[], context: SectionContext): void {
  if (input.write_token_env !== undefined) return;
  const writer = tokens.find(({ role }) => role !== "read");
  const isBroken =
    tokens.length < Object.keys(input.token).length || context.findings.isPoisoned(["admin", "token"]);
  if (input.write && writer === undefined && !isBroken)
    context.findings.add({
      code: "Z1226",
      path: ["admin", "write"],
      message: "`write` in [admin] is on, and no token may change anything",
    });
  if (!input.write && writer !== undefined)
    context.findings.add({
      code: "Z2108",
      path: ["admin", "token", writer.name, "role"],
      message: `the token ${writer.name} may change things, and \`write\` in [admin] is off`,
      fix: "add `write = true` to [admin], or give the token the role read",
    });
}
