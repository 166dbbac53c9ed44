import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  X509Certificate,
} from "node:crypto";
import { readFileSync } from "node:fs";
import { renewalId } from "../cert/renewal.ts";
import { makeSelfSigned } from "../cert/self-signed.ts";
import { makeSigningRequest } from "../cert/signing-request.ts";
import type { AcmeAccountConfig, AcmeCertificateConfig } from "../config/config.ts";
import { AcmeObstacle, type AcmeProcess, type StartAcme } from "./acme-child.ts";
import { covers } from "./acme-due.ts";
import type { AcmeFiles, SavedOrder } from "./acme-files.ts";
import { type Challenges, noChallenges } from "./acme-share.ts";
import type { AcmeFailure, AcmeLogin, AcmeNews, AcmeReason } from "./acme-task.ts";

export interface IssueDeps {
  readonly files: AcmeFiles;
  readonly start: StartAcme;
  /** Where keys of external account bindings are. */
  readonly environment: NodeJS.ProcessEnv;
  /** True = every worker that may be asked has them. */
  readonly tell: (challenges: Challenges) => Promise<boolean>;
  /** The process that works on it, so that it can be ended. */
  readonly onProcess: (process: AcmeProcess) => void;
  readonly wallMs: () => number;
}

/** An order that the CA may have forgotten is not taken up: pending ones live for a week at most. */
const orderAgeMaxMs = 6 * 86_400_000;
const tellTries = 4;

/**
 * One order, from the key to the file that is served. Keys are made here and stay here: the process that talks to the CA
 * gets a signing request. Undefined = issued and written.
 */
export async function issueCertificate(
  certificate: AcmeCertificateConfig,
  deps: IssueDeps,
): Promise<AcmeFailure | undefined> {
  const { files, start } = deps;
  const { name, domains } = certificate;
  try {
    const login = openLogin(certificate.account, deps);
    const order = resumable(certificate, deps) ?? newOrder(certificate, deps);
    const key = createPrivateKey(order.keyPem);
    const previous = files.certificate(name);
    const process = start(
      {
        kind: "order",
        login,
        domains,
        challenge: certificate.challenge,
        csrPem: makeSigningRequest(domains, key, createPublicKey(key)),
        orderUrl: order.url,
        replaces: previous === undefined ? undefined : renewalId(new X509Certificate(previous)),
      },
      async (news) => {
        if (news.type === "key") keepKey(certificate.account, login.keys[news.index]!, deps);
        else if (news.type === "order") files.saveOrder(name, { ...order, url: news.url });
        else await tellAll(news, deps);
      },
    );
    deps.onProcess(process);
    const outcome = await process.outcome;
    if (outcome.type === "failed") {
      if (isOver(outcome.reason)) files.dropOrder(name);
      return outcome;
    }
    if (outcome.type !== "issued") return failure("bad_answer", "no certificate came");
    const problem = chainProblem(outcome.chainPem, key, certificate, deps.wallMs());
    if (problem !== undefined) {
      files.dropOrder(name);
      return failure("bad_answer", problem);
    }
    files.saveCertificate(name, order.keyPem, normalChain(outcome.chainPem));
    files.dropOrder(name);
    return undefined;
  } catch (cause) {
    return failure("disk", cause instanceof Error ? cause.message : String(cause));
  } finally {
    void deps.tell(noChallenges);
  }
}

/** The order that was begun for just this, if the CA can still know it. */
export function resumable(
  { name, domains, keyType, account }: AcmeCertificateConfig,
  { files, wallMs }: Pick<IssueDeps, "files" | "wallMs">,
): SavedOrder | undefined {
  const order = files.order(name);
  if (order === undefined || order.url === undefined) return undefined;
  const isSame =
    order.keyType === keyType && order.accountId === account.id && order.domains.join() === domains.join();
  return isSame && wallMs() - order.sinceMs < orderAgeMaxMs ? order : undefined;
}

/** Its key is on the disk before anybody hears of the order. */
function newOrder(
  { name, domains, keyType, account }: AcmeCertificateConfig,
  { files, wallMs }: IssueDeps,
): SavedOrder {
  const order = { domains, keyType, accountId: account.id, keyPem: makeKey(keyType), sinceMs: wallMs() };
  files.saveOrder(name, order);
  return order;
}

/** PKCS #8. */
function makeKey(keyType: AcmeCertificateConfig["keyType"]): string {
  const [kind, size = ""] = keyType.split("-");
  const { privateKey } =
    kind === "rsa"
      ? generateKeyPairSync("rsa", { modulusLength: Number(size) })
      : generateKeyPairSync("ec", { namedCurve: size === "p384" ? "secp384r1" : "prime256v1" });
  return privateKey.export({ type: "pkcs8", format: "pem" }) as string;
}

/** With the key of the account, which is made when there is none. */
export function openLogin(
  account: AcmeAccountConfig,
  { files, environment }: Pick<IssueDeps, "files" | "environment">,
): AcmeLogin {
  const { id, directoryUrl, email, caPem, binding } = account;
  let saved = files.account(id);
  if (saved === undefined) {
    saved = { key: makeKey("ecdsa-p256") };
    files.saveAccount(id, saved);
  }
  const { key, nextKey } = saved;
  return {
    directoryUrl,
    email,
    caPem,
    // A rollover that was cut short may have succeeded.
    keys: nextKey === undefined ? [key] : [nextKey, key],
    binding: binding && { keyId: binding.keyId, hmacKey: readHmac(binding, environment) },
  };
}

function readHmac(
  { variable, file }: NonNullable<AcmeAccountConfig["binding"]>,
  environment: NodeJS.ProcessEnv,
): string {
  const text = file === undefined ? environment[variable!] : readFileSync(file, "utf8");
  return text?.trim() ?? "";
}

/** The CA knows this one. */
export function keepKey({ id }: AcmeAccountConfig, key: string, { files }: Pick<IssueDeps, "files">): void {
  if (files.account(id)?.nextKey !== undefined) files.saveAccount(id, { key });
}

/** Everybody whom the CA may visit has the answers before it is told that it may. */
async function tellAll(
  news: AcmeNews & { readonly type: "challenges" },
  { tell, wallMs }: IssueDeps,
): Promise<void> {
  const tls = news.tls.map(({ host, digest }) => ({
    host,
    ...makeSelfSigned({ names: [host], days: 2, nowMs: wallMs(), acmeDigest: Buffer.from(digest) }),
  }));
  for (let i = 0; i < tellTries; i++) if (await tell({ http: news.http, tls })) return;
  throw new AcmeObstacle("workers", "not all workers have the challenges");
}

/** Whether the order itself is of no use any more. */
function isOver(reason: AcmeReason): boolean {
  return !["unreachable", "workers", "disk", "deadline"].includes(reason);
}

/** Why the CA's answer is not what was ordered (reliability.md AC5); undefined = it is. */
function chainProblem(
  chainPem: string,
  key: KeyObject,
  { domains }: AcmeCertificateConfig,
  nowMs: number,
): string | undefined {
  const leaf = new X509Certificate(chainPem);
  if (!leaf.checkPrivateKey(key)) return "the certificate is for another key";
  if (!covers(leaf, domains)) return "the certificate does not cover the names that were ordered";
  if (leaf.validToDate.getTime() <= nowMs) return "the certificate has expired";
  return undefined;
}

/** The blocks alone, without what a CA may write between them. */
function normalChain(chainPem: string): string {
  const blocks = chainPem.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  return `${blocks.join("\n")}\n`;
}

function failure(reason: AcmeReason, problem: string): AcmeFailure {
  return { type: "failed", reason, problem, retryAfterMs: undefined };
}
