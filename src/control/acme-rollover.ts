import { generateKeyPairSync } from "node:crypto";
import type { AcmeAccountConfig } from "../config/config.ts";
import { type IssueDeps, keepKey, openLogin } from "./acme-issue.ts";

/**
 * Gives an account another key (RFC 8555 §7.3.5). Both are kept until the CA has said which one counts: whoever dies on
 * the way finds out at the next log-in. Returns the problem; undefined = the new key counts.
 */
export async function rollOver(account: AcmeAccountConfig, deps: IssueDeps): Promise<string | undefined> {
  const { files, start } = deps;
  try {
    const login = openLogin(account, deps);
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
    const newKey = privateKey.export({ type: "pkcs8", format: "pem" }) as string;
    let key = login.keys[0]!;
    const process = start({ kind: "rollover", login, newKey }, (news) => {
      if (news.type !== "key") return;
      // Which of an earlier rollover's two it is, is known now.
      key = login.keys[news.index]!;
      keepKey(account, key, deps);
      files.saveAccount(account.id, { key, nextKey: newKey });
    });
    deps.onProcess(process);
    const outcome = await process.outcome;
    if (outcome.type === "rolled") {
      files.saveAccount(account.id, { key: newKey });
      return undefined;
    }
    return outcome.type === "failed" ? `${outcome.reason}: ${outcome.problem}` : "no answer";
  } catch (cause) {
    return cause instanceof Error ? cause.message : String(cause);
  }
}
