import { randomBytes, scrypt, timingSafeEqual } from "node:crypto";
import { namePattern } from "./credential-file.ts";

/** A user at rest: a name, and a password as scrypt (RFC 7914). */
export interface UserEntry {
  readonly name: string;
  /** Cost: 2 to the power of this. */
  readonly logN: number;
  readonly blockSize: number;
  readonly parallel: number;
  /** Base64. */
  readonly salt: string;
  /** Base64. */
  readonly digest: string;
}

/** Below, a stolen file is guessed too quickly; above, a log-in holds memory for too long. */
const LOG_N_MIN = 14;
const MEMORY_BYTES_MAX = 134_217_728;
/** OWASP's parameters for 32 MiB: every log-in under way holds as much, and takes about 250 ms of a thread. */
const PRESET = { logN: 15, blockSize: 8, parallel: 3 } as const;
const DIGEST_BYTES = 32;

/** `NAME:$scrypt$ln=15,r=8,p=3$SALT$DIGEST` (the PHC string format), or why not. */
export function readUserEntry(line: string): UserEntry | string {
  const colon = line.indexOf(":");
  const name = line.slice(0, Math.max(0, colon));
  if (!namePattern.test(name)) return "the name is not of letters, digits and @._+-";
  const match =
    /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,3}),p=(\d{1,2})\$([A-Za-z0-9+/]{16,86})\$([A-Za-z0-9+/]{43})$/.exec(
      line.slice(colon + 1),
    );
  if (match === null) return "no scrypt hash follows the name (`zion password` makes one)";
  const [, ln, r, p, salt, digest] = match;
  const entry = {
    name,
    logN: Number(ln),
    blockSize: Number(r),
    parallel: Number(p),
    salt: salt!,
    digest: digest!,
  };
  if (entry.logN < LOG_N_MIN || entry.blockSize < 8) return `its cost is below ln=${LOG_N_MIN},r=8`;
  if (entry.parallel < 1 || entry.parallel > 16) return "p is not from 1 to 16";
  if (memoryOf(entry) > MEMORY_BYTES_MAX) return "its cost is above 128 MiB";
  return entry;
}

/** The line of a users file. */
export async function makeUserLine(name: string, password: string): Promise<string> {
  const cost = { ...PRESET, name, salt: base64(randomBytes(16)) };
  const digest = await derive({ ...cost, digest: "" }, Buffer.from(password, "utf8"));
  return `${name}:$scrypt$ln=${cost.logN},r=${cost.blockSize},p=${cost.parallel}$${cost.salt}$${base64(digest)}`;
}

/** Whose password nobody has: what is derived for unknown names, so that the time tells nothing of them. */
export function nobody(entries: readonly UserEntry[]): UserEntry {
  const { logN, blockSize, parallel } = entries[0] ?? PRESET;
  return {
    name: "",
    logN,
    blockSize,
    parallel,
    salt: base64(randomBytes(16)),
    digest: base64(randomBytes(DIGEST_BYTES)),
  };
}

/** In the thread pool. */
export async function isPassword(entry: UserEntry, password: Uint8Array): Promise<boolean> {
  return timingSafeEqual(await derive(entry, password), Buffer.from(entry.digest, "base64"));
}

function derive(entry: UserEntry, password: Uint8Array): Promise<Buffer> {
  const { logN, blockSize, parallel, salt } = entry;
  const options = {
    cost: 2 ** logN,
    blockSize,
    parallelization: parallel,
    // OpenSSL counts a little more than the algorithm's own table.
    maxmem: memoryOf(entry) + 1_048_576,
  };
  return new Promise((resolve, reject) => {
    scrypt(password, Buffer.from(salt, "base64"), DIGEST_BYTES, options, (error, derived) => {
      if (error === null) resolve(derived);
      else reject(error);
    });
  });
}

function memoryOf({ logN, blockSize, parallel }: Omit<UserEntry, "name">): number {
  return 128 * blockSize * (2 ** logN + parallel);
}

function base64(bytes: Buffer): string {
  return bytes.toString("base64").replace(/=+$/, "");
}
