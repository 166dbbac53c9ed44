import { lookup } from "node:dns";
import { isIP, type LookupFunction } from "node:net";
import { Client } from "undici";
import type { KeySourceConfig } from "../config/config.ts";
import { type AddressSet, buildAddressSet, parseAddress, parseCidr } from "../identity/address.ts";
import type { KeysOrProblem } from "../identity/jwk.ts";
import { readKeySet, SET_BYTES_MAX } from "./jwks-set.ts";
import { describe } from "./probe.ts";
import { unbracket } from "./resolver.ts";

/** For everything: name, connection, TLS, answer. */
const DEADLINE_MS = 5000;

/**
 * Fetches and reads a key set (reliability.md C46): no redirects, a checked certificate, an address that is not private
 * unless it is listed, one deadline, a cap. Never rejects.
 */
export async function fetchKeys(source: KeySourceConfig, deadlineMs = DEADLINE_MS): Promise<KeysOrProblem> {
  const url = new URL(source.url);
  let client: Client | undefined;
  try {
    client = new Client(url.origin, {
      connect: {
        timeout: deadlineMs,
        maxCachedSessions: 0,
        rejectUnauthorized: true,
        // Explicit, because of the process-wide --tls-min-v1.3.
        minVersion: "TLSv1.2",
        lookup: lookupAllowed(source),
        ...(source.caPem === undefined ? {} : { ca: source.caPem }),
      },
      allowH2: false,
      pipelining: 0,
      maxHeaderSize: 16_384,
      maxResponseSize: SET_BYTES_MAX,
    });
    const answer = await client.request({
      method: "GET",
      path: `${url.pathname}${url.search}`,
      headers: {
        accept: "application/jwk-set+json, application/json",
        "accept-encoding": "identity",
        "user-agent": "zion-jwks",
      },
      signal: AbortSignal.timeout(deadlineMs),
      headersTimeout: 0,
      bodyTimeout: 0,
    });
    if (answer.statusCode !== 200) return `status ${answer.statusCode}`;
    return await readKeySet(new Uint8Array(await answer.body.arrayBuffer()), source.algorithms);
  } catch (cause) {
    return describe(cause);
  } finally {
    client?.destroy().catch(() => {});
  }
}

/**
 * Where the name leads is checked and connected to in one: whoever answers for the name cannot answer twice (DNS
 * rebinding). An address that the configuration itself names is not looked up, so it is not asked about here.
 */
function lookupAllowed(source: KeySourceConfig): LookupFunction {
  const listed = addresses(source.networks);
  const isPlain = source.url.startsWith("http:");
  return (host, options, done) => {
    lookup(unbracket(host), { all: true }, (error, found) => {
      const isBad = ({ address }: { readonly address: string }) => {
        const parsed = parseAddress(address);
        if (parsed === undefined) return true;
        // Plain http is for loopback only.
        return isPlain ? !loopback.has(parsed) : nonPublic.has(parsed) && !listed.has(parsed);
      };
      if (error !== null) done(error, "", 0);
      else if (found.length === 0 || found.some(isBad)) done(new Error("private_address"), "", 0);
      else if (options.all) (done as unknown as (e: null, all: typeof found) => void)(null, found);
      else done(null, found[0]!.address, isIP(found[0]!.address));
    });
  };
}

function addresses(cidrs: readonly string[]): AddressSet {
  return buildAddressSet(cidrs.map((cidr) => parseCidr(cidr)!));
}

const loopback = addresses(["127.0.0.0/8", "::1/128"]);

/** What is not on the public internet (RFC 6890), and translations that lead there. */
const nonPublic = addresses([
  "0.0.0.0/8",
  "10.0.0.0/8",
  "100.64.0.0/10",
  "127.0.0.0/8",
  "169.254.0.0/16",
  "172.16.0.0/12",
  "192.0.0.0/24",
  "192.168.0.0/16",
  "198.18.0.0/15",
  "224.0.0.0/3",
  "::/127",
  "64:ff9b::/32",
  "2002::/16",
  "fc00::/7",
  "fe80::/10",
  "ff00::/8",
]);
