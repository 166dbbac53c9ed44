import acme from "acme-client";
import type { AcmeLogin, SayAcme } from "./acme-task.ts";
import type { AcmeTransport } from "./acme-transport.ts";

/**
 * acme-client speaks through axios; this puts our transport below it, with its limits and without the redirects,
 * proxies and retries of axios. For the whole process, which has one task.
 */
function adapt(transport: AcmeTransport): void {
  acme.axios.defaults.adapter = async (config) => {
    const { status, headers, text } = await transport.send({
      url: config.url ?? "",
      method: config.method ?? "get",
      headers: { "content-type": "application/jose+json" },
      body: typeof config.data === "string" ? config.data : undefined,
    });
    return { data: text, status, statusText: "", headers, config };
  };
}

/** With the account that one of the keys has, or a new one for the first. Throws. */
export async function logIn(transport: AcmeTransport, login: AcmeLogin, say: SayAcme): Promise<acme.Client> {
  adapt(transport);
  for (const [index, key] of login.keys.entries()) {
    const client = clientOf(login, key);
    if (!(await hasAccount(client, transport))) continue;
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
