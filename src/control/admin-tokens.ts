import { createHash, timingSafeEqual } from "node:crypto";
import type { AdminConfig, AdminRole, Config } from "../config/config.ts";

const minTokenBytes = 32;

/** A token as it is kept: not its text. */
export interface AdminToken {
  readonly name: string;
  readonly digest: Buffer;
  readonly role: AdminRole;
  /** Ms since the epoch. */
  readonly expiresMs: number;
}

/** Who may do what: a role may do what those before it may. */
export function mayAs(has: AdminRole, needs: AdminRole): boolean {
  return roles.indexOf(has) >= roles.indexOf(needs);
}

const roles: readonly AdminRole[] = ["read", "operate", "admin"];

/** Tokens of the file, and the one of the environment. */
export function adminTokens(admin: AdminConfig, ofEnvironment: Buffer | undefined): readonly AdminToken[] {
  const tokens = admin.tokens.map(
    ({ name, sha256, role, expiresMs }): AdminToken => ({
      name,
      digest: Buffer.from(sha256, "hex"),
      role,
      expiresMs,
    }),
  );
  if (ofEnvironment === undefined) return tokens;
  return [...tokens, { name: "write_token_env", digest: ofEnvironment, role: "admin", expiresMs: Infinity }];
}

/** The token with this text. How long it takes says neither which it is nor how much of it is right. */
export function findToken(tokens: readonly AdminToken[], text: string): AdminToken | undefined {
  const digest = digestToken(text);
  let found: AdminToken | undefined;
  for (const token of tokens) if (timingSafeEqual(digest, token.digest)) found = token;
  return found;
}

/** What to keep of a token: equal lengths make the comparison constant in time, and the text is not in memory. */
export function digestToken(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}

/** Tokens of the environment, by the name of their variable. They leave it when they are first read. */
export interface EnvironmentTokens {
  /** Reads the token that the configuration names; the problem when it is too short. */
  read(config: Config): string | undefined;
  digestOf(config: Config): Buffer | undefined;
}

export function createEnvironmentTokens(environment: NodeJS.ProcessEnv): EnvironmentTokens {
  const digests = new Map<string, Buffer>();
  return {
    read({ admin }) {
      const name = admin.writeTokenEnv;
      if (admin.listen === undefined || name === undefined) return undefined;
      const token = environment[name];
      if (token === undefined) return undefined;
      if (Buffer.byteLength(token) < minTokenBytes)
        return `admin.write_token_env: ${name} holds fewer than ${minTokenBytes} bytes`;
      delete environment[name];
      digests.set(name, digestToken(token));
      return undefined;
    },
    digestOf: ({ admin }) => digests.get(admin.writeTokenEnv ?? ""),
  };
}
