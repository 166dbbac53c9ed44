import type { AuthProfileConfig } from "../config/config.ts";
import type { AuthService } from "../gate/auth-service.ts";
import { ApiKeyRing } from "../identity/api-key.ts";
import { CertificateBook } from "../identity/certificate-book.ts";
import { PasswordBook } from "../identity/password-book.ts";
import { PasswordLane } from "../identity/password-lane.ts";
import { RevokedTokens } from "../identity/revoked-tokens.ts";
import { type KeyMaterial, TokenVerifier } from "../identity/token-verifier.ts";

/** An `[auth_profile]`, compiled. Exactly one is not undefined. */
export interface BuiltProfile {
  readonly verifier: TokenVerifier | undefined;
  readonly apiKeys: { readonly ring: ApiKeyRing; readonly field: string } | undefined;
  readonly passwords: PasswordBook | undefined;
  readonly certificates: CertificateBook | undefined;
  readonly service: AuthService | undefined;
  /** `WWW-Authenticate` line; "" = nothing that a client could be asked for in an answer. */
  readonly challenge: string;
}

export interface AuthDeskOptions {
  /** Carries to the primary that a token came whose key is not known. */
  readonly wantKeys: (source: string) => void;
  readonly nowMs: () => number;
}

/** Of one source and worker; the primary has a longer cooldown of its own. */
const WANT_PAUSE_MS = 1000;

/**
 * What a worker knows of identities beyond one snapshot: fetched keys, revoked tokens, the passwords' lane, and the
 * profiles themselves, which keep what they have verified as long as their configuration stays.
 */
export class AuthDesk {
  readonly revoked = new RevokedTokens();
  readonly lane = new PasswordLane();
  readonly #options: AuthDeskOptions;
  readonly #keys = new Map<string, readonly KeyMaterial[]>();
  readonly #wantedMs = new Map<string, number>();
  #inForce = nothingBuilt;
  #next = nothingBuilt;

  constructor(options: AuthDeskOptions) {
    this.#options = options;
  }

  /** The profiles of a candidate by name. `service` builds those that are asked. */
  build(
    profiles: readonly AuthProfileConfig[],
    countedClaims: readonly string[],
    service: (profile: AuthProfileConfig & { readonly kind: "forward" }) => AuthService,
  ): ReadonlyMap<string, BuiltProfile> {
    const claims = JSON.stringify(countedClaims);
    const known = (claims === this.#inForce.claims ? this.#inForce : nothingBuilt).profiles;
    const built = new Map(
      profiles.map((profile) => [
        profile,
        // A service stands for an upstream, which may be another one now.
        (profile.kind === "forward" ? undefined : known.get(profile)) ??
          this.#build(profile, countedClaims, service),
      ]),
    );
    this.#next = { profiles: built, claims };
    return new Map([...built].map(([{ name }, one]) => [name, one]));
  }

  /** What was built last is in force. */
  commit(): void {
    this.#inForce = this.#next;
    const sources = new Set([...this.#inForce.profiles.keys()].map(sourceOf));
    for (const source of this.#keys.keys()) if (!sources.has(source)) this.#keys.delete(source);
    for (const source of this.#wantedMs.keys()) if (!sources.has(source)) this.#wantedMs.delete(source);
  }

  /** Keys that the primary fetched, for the profile of this source, now and later. */
  setKeys(source: string, keys: readonly KeyMaterial[]): void {
    this.#keys.set(source, keys);
    for (const { profiles } of [this.#inForce, this.#next])
      for (const [profile, { verifier }] of profiles)
        if (sourceOf(profile) === source) verifier!.setKeys(keys);
  }

  #build(
    profile: AuthProfileConfig,
    countedClaims: readonly string[],
    service: (profile: AuthProfileConfig & { readonly kind: "forward" }) => AuthService,
  ): BuiltProfile {
    const { name } = profile;
    const nothing = {
      verifier: undefined,
      apiKeys: undefined,
      passwords: undefined,
      certificates: undefined,
      service: undefined,
    };
    switch (profile.kind) {
      case "jwt": {
        const { keySource } = profile;
        const verifier = new TokenVerifier({
          issuer: profile.issuer,
          audience: profile.audience,
          leewaySecs: profile.leewaySecs,
          lifetimeMaxSecs: profile.maxTokenLifetimeSecs,
          required: profile.requiredClaims,
          algorithms: profile.algorithms,
          keys: keySource === undefined ? profile.keys : (this.#keys.get(keySource.id) ?? []),
          fields: profile.fields,
          countedClaims,
          revoked: this.revoked,
          ...(keySource === undefined ? {} : { onUnknownKey: () => this.#want(keySource.id) }),
          rolesPath: stepsOf(profile.rolesClaim),
        });
        return { ...nothing, verifier, challenge: challenge("Bearer") };
      }
      case "api_key": {
        const ring = new ApiKeyRing(profile.entries, profile.subjectField);
        return {
          ...nothing,
          apiKeys: { ring, field: profile.header.toLowerCase() },
          challenge: challenge(`ApiKey header="${profile.header}"`),
        };
      }
      case "basic": {
        const passwords = new PasswordBook(profile.entries, profile.subjectField, this.lane);
        return { ...nothing, passwords, challenge: challenge(`Basic realm="${name}", charset="UTF-8"`) };
      }
      case "client_cert": {
        const { names, fingerprints, subjectField } = profile;
        const certificates = new CertificateBook(names, fingerprints, subjectField);
        return { ...nothing, certificates, challenge: "" };
      }
      case "forward":
        return { ...nothing, service: service(profile), challenge: challenge("Bearer") };
    }
  }

  #want(source: string): void {
    const nowMs = this.#options.nowMs();
    if (nowMs - (this.#wantedMs.get(source) ?? -Infinity) < WANT_PAUSE_MS) return;
    this.#wantedMs.set(source, nowMs);
    this.#options.wantKeys(source);
  }
}

interface Built {
  readonly profiles: ReadonlyMap<AuthProfileConfig, BuiltProfile>;
  /** What they keep of claims. */
  readonly claims: string;
}

const nothingBuilt: Built = { profiles: new Map(), claims: "" };

function sourceOf(profile: AuthProfileConfig): string {
  return profile.kind === "jwt" ? (profile.keySource?.id ?? "") : "";
}

function challenge(value: string): string {
  return `WWW-Authenticate: ${value}\r\n`;
}

/** A name with `:` or `/` is a URL, as issuers use for claims of their own: its dots are no steps. */
function stepsOf(claim: string): readonly string[] {
  return /[:/]/.test(claim) ? [claim] : claim.split(".");
}
