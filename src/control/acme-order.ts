import { createHash, X509Certificate } from "node:crypto";
import type acme from "acme-client";
import { systemClock } from "../std/clock.ts";
import { BadAnswer, ChallengeFailed } from "./acme-problem.ts";
import { logIn } from "./acme-session.ts";
import type { OrderTask, RolloverTask, SayAcme, TlsProof } from "./acme-task.ts";
import { type AcmeTransport, resourceOf } from "./acme-transport.ts";

const CHAIN_LENGTH_MAX = 10;
/** How often a state that is not settled is asked for; doubles. */
const pollFirstMs = 250;
const pollMaxMs = 10_000;
const pollForMs = 300_000;

/** Gives the account the other key (RFC 8555 §7.3.5). Throws. */
export async function changeKey(transport: AcmeTransport, task: RolloverTask, say: SayAcme): Promise<void> {
  const client = await logIn(transport, task.login, say);
  await client.updateAccountKey(task.newKey);
}

/** From the account to the chain (RFC 8555 §7.4). Throws. */
export async function placeOrder(transport: AcmeTransport, task: OrderTask, say: SayAcme): Promise<string> {
  const client = await logIn(transport, task.login, say);
  const order = await openOrder(client, transport, task);
  await say({ type: "order", url: order.url });
  if (order.status === "pending") await prove(client, order, task, say);
  const ready = await settle(() => client.getOrder(order), ["pending"]);
  if (ready.status === "ready") await client.finalizeOrder(ready, task.csrPem);
  const done = await settle(() => client.getOrder(order), ["ready", "processing"]);
  if (done.status !== "valid") throw new ChallengeFailed(`the order is ${done.status}${detailOf(done)}`);
  const chainPem = await client.getCertificate(done);
  checkChain(chainPem);
  return chainPem;
}

/** The one that was placed before, where the CA still has it; else a new one. */
async function openOrder(
  client: acme.Client,
  transport: AcmeTransport,
  task: OrderTask,
): Promise<acme.Order> {
  if (task.orderUrl !== undefined) {
    try {
      const order = await client.getOrder({ url: task.orderUrl } as acme.Order);
      if (order.status !== "invalid") return order;
    } catch (cause) {
      // Gone, or another account's. Anything else is no reason to place another one.
      if (transport.problem === undefined || transport.problem.status >= 500) throw cause;
    }
  }
  const identifiers = task.domains.map((value) => ({ type: "dns", value }));
  const knowsRenewal = (await resourceOf(transport, task.login.directoryUrl, "renewalInfo")) !== undefined;
  if (task.replaces === undefined || !knowsRenewal) return client.createOrder({ identifiers });
  try {
    return await client.createOrder({ identifiers, replaces: task.replaces } as Parameters<
      acme.Client["createOrder"]
    >[0]);
  } catch (cause) {
    // Another order replaces it already (RFC 9773 §5), or the CA has forgotten that certificate.
    if (transport.problem?.status !== 409 && transport.problem?.type !== "malformed") throw cause;
    return client.createOrder({ identifiers });
  }
}

/** Shows the CA that each name is ours. Workers have the answers before the CA is told to look. */
async function prove(client: acme.Client, order: acme.Order, task: OrderTask, say: SayAcme): Promise<void> {
  if (!Array.isArray(order.authorizations) || order.authorizations.length > task.domains.length)
    throw new BadAnswer("the order has another number of authorizations than names");
  const open = (await client.getAuthorizations(order)).filter(({ status }) => status !== "valid");
  const proofs = await Promise.all(
    open.map(async (authorization) => {
      const host = authorization.identifier.value.toLowerCase();
      if (!task.domains.includes(host))
        throw new BadAnswer("an authorization is for a name that was not ordered");
      const challenge = authorization.challenges.find(({ type }) => type === task.challenge);
      if (challenge === undefined)
        throw new ChallengeFailed(`the CA does not offer ${task.challenge} for ${host}`);
      // It becomes a path of ours (RFC 8555 §8.3).
      if (!/^[A-Za-z0-9_-]{16,256}$/.test(challenge.token)) throw new BadAnswer("a token is not base64url");
      const answer = await client.getChallengeKeyAuthorization(challenge);
      return { authorization, challenge, host, token: challenge.token, answer };
    }),
  );
  const isHttp = task.challenge === "http-01";
  await say({
    type: "challenges",
    http: isHttp ? proofs.map(({ host, token, answer }) => ({ host, token, answer })) : [],
    tls: isHttp ? [] : proofs.map(({ host, answer }): TlsProof => ({ host, digest: digestOf(answer) })),
  });
  for (const { challenge } of proofs)
    if (challenge.status === "pending") await client.completeChallenge(challenge);
  for (const { authorization, host } of proofs) {
    const read = async () =>
      (await client.getAuthorizations({ ...order, authorizations: [authorization.url] }))[0]!;
    const settled = await settle(read, ["pending"]);
    if (settled.status !== "valid")
      throw new ChallengeFailed(
        `${task.challenge} for ${host}: ${settled.status}${settled.challenges.map(detailOf).join("")}`,
      );
  }
}

function digestOf(answer: string): Uint8Array {
  return createHash("sha256").update(answer).digest();
}

/** Reads until it is none of these states any more. */
async function settle<T extends { readonly status?: string }>(
  read: () => Promise<T>,
  states: readonly string[],
): Promise<T> {
  const until = systemClock.nowMs() + pollForMs;
  for (let delayMs = pollFirstMs; ; delayMs = Math.min(2 * delayMs, pollMaxMs)) {
    const state = await read();
    if (!states.includes(state.status ?? "")) return state;
    if (systemClock.nowMs() + delayMs > until)
      throw new ChallengeFailed(`the CA leaves it ${state.status} for five minutes`);
    await new Promise((done) => setTimeout(done, delayMs));
  }
}

/** The CA's own words about an error; it may have none. */
function detailOf(about: object): string {
  const { error } = about as { readonly error?: { readonly detail?: unknown } };
  return typeof error?.detail === "string" ? `: ${error.detail}` : "";
}

/** That it can be read at all; whether it is the one that was asked for is for the one who has its key. */
function checkChain(chainPem: unknown): asserts chainPem is string {
  if (typeof chainPem !== "string") throw new BadAnswer("the certificate is no text");
  const blocks = chainPem.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  if (blocks.length === 0 || blocks.length > CHAIN_LENGTH_MAX)
    throw new BadAnswer(`the chain has ${blocks.length} certificates`);
  try {
    for (const block of blocks) new X509Certificate(block);
  } catch {
    throw new BadAnswer("a certificate of the chain cannot be read");
  }
}
