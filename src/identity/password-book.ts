import { createHmac, randomBytes } from "node:crypto";
import { type Reason, reasons } from "../reason.ts";
import { Identity, printLine } from "./identity.ts";
import { isPassword, nobody, type UserEntry } from "./password-hash.ts";
import type { PasswordLane } from "./password-lane.ts";
import { Remembered } from "./remembered.ts";

/** Passwords that were verified, in one generation. */
const REMEMBERED_MAX = 1024;
/** Bytes of `name:password` in base64. */
const CREDENTIALS_MAX = 1024;

/**
 * The users of one profile (RFC 7617). A good password is remembered under a keyed hash, so a user costs the derivation
 * once; wrong ones are not, and each costs a place in the lane, which is narrow.
 */
export class PasswordBook {
  readonly #users: ReadonlyMap<string, { readonly entry: UserEntry; readonly identity: Identity }>;
  readonly #nobody: UserEntry;
  readonly #lane: PasswordLane;
  /** Nobody who reads the memory later can try passwords against what is remembered without it. */
  readonly #secret = randomBytes(32);
  readonly #remembered = new Remembered<Identity>(REMEMBERED_MAX);

  constructor(entries: readonly UserEntry[], subjectField: string | undefined, lane: PasswordLane) {
    this.#nobody = nobody(entries);
    this.#lane = lane;
    this.#users = new Map(
      entries.map((entry) => {
        const line = subjectField === undefined ? undefined : printLine(subjectField, entry.name);
        const identity = new Identity({ subject: entry.name, lines: line === undefined ? [] : [line] });
        return [entry.name, { entry, identity }];
      }),
    );
  }

  /** `bytes[start, end)`: what follows the scheme. Waits only for a password that was not seen before. */
  verify(bytes: Buffer, start: number, end: number): Identity | Reason | Promise<Identity | Reason> {
    if (end - start > CREDENTIALS_MAX) return reasons.password;
    const key = createHmac("sha256", this.#secret).update(bytes.subarray(start, end)).digest("base64");
    const known = this.#remembered.get(key);
    if (known !== undefined) return known;
    const text = bytes.latin1Slice(start, end);
    const decoded = Buffer.from(text, "base64");
    // One way to write it, or what is remembered here would be something else to a log or an upstream.
    if (decoded.toString("base64") !== text) return reasons.password;
    const colon = decoded.indexOf(COLON);
    if (colon < 0) return reasons.password;
    return this.#derive(decoded.latin1Slice(0, colon), decoded.subarray(colon + 1), key);
  }

  async #derive(name: string, password: Uint8Array, key: string): Promise<Identity | Reason> {
    const user = this.#users.get(name);
    const isRight = await this.#lane.run(() => isPassword(user?.entry ?? this.#nobody, password));
    if (isRight === undefined) return reasons.passwordBusy;
    if (!isRight || user === undefined) return reasons.password;
    this.#remembered.add(key, user.identity);
    return user.identity;
  }
}

const COLON = 58;
