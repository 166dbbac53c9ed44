import acme from "acme-client";
import type { SayAcme } from "./acme-order.ts";
import type { AcmeAccess, AcmeLogin } from "./acme-task.ts";
import { type AcmeTransport, openAcmeTransport } from "./acme-transport.ts";

/** One CA for the time of a task. */
export interface AcmeSession {
  readonly transport: AcmeTransport;
  /** Of its directory; undefined = it has none of that name. Throws. */
  resource(name: string): Promise<string | undefined>;
  /** Whether the CA says when to renew (RFC 9773). */
  knowsRenewal(): Promise<boolean>;
}

/**
 * acme-client speaks through axios; this puts our transport below it, with its limits and without the redirects,
 * proxies and retries of axios. One session at a time: the adapter is the whole process's.
 */
export function openAcmeSession(access: AcmeAccess): AcmeSession {
  const transport = openAcmeTransport(access);
  acme.axios.defaults.adapter = async (config) => {
    const { status, headers, text } = await transport.send({
      url: config.url ?? "",
      method: config.method ?? "get",
      headers: { "content-type": "application/jose+json" },
      body: typeof config.data === "string" ? config.data : undefined,
    });
    return { data: text, status, statusText: "", headers, config };
  };
  const resource = async (name: string): Promise<string | undefined> => {
    const { text, status } = await transport.send({
      url: access.directoryUrl,
      method: "get",
      headers: {},
      body: undefined,
    });
    if (status !== 200) throw new Error(`the directory answers ${status}`);
    const url = (JSON.parse(text) as Readonly<Record<string, unknown>>)[name];
    return typeof url === "string" ? url : undefined;
  };
  return {
    transport,
    resource,
    knowsRenewal: async () => (await resource("renewalInfo")) !== undefined,
  };
}

/** With the account that one of the keys has, or a new one for the first. Throws. */
export async function logIn(session: AcmeSession, login: AcmeLogin, say: SayAcme): Promise<acme.Client> {
  for (const [index, key] of login.keys.entries()) {
    const client = clientOf(login, key);
    if (!(await hasAccount(client, session.transport))) continue;
    await say({ type: "key", index });
    return client;
  }
  const client = clientOf(login, login.keys[0]!);
  await client.createAccount({
    termsOfServiceAgreed: true,
    ...(login.email === undefined ? {} : { contact: [`mailto:${login.email}`] }),
  });
  await say({ type: "key", index: 0 });
  return client;
}

function clientOf({ directoryUrl, binding }: AcmeLogin, accountKey: string): acme.Client {
  return new acme.Client({
    directoryUrl,
    accountKey,
    ...(binding === undefined
      ? {}
      : { externalAccountBinding: { kid: binding.keyId, hmacKey: binding.hmacKey } }),
  });
}

async function hasAccount(client: acme.Client, transport: AcmeTransport): Promise<boolean> {
  try {
    await client.createAccount({ onlyReturnExisting: true });
    return true;
  } catch (cause) {
    if (transport.problem?.type === "accountDoesNotExist") return false;
    throw cause;
  }
}
