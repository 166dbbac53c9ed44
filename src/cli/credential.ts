import { digestApiKey, makeApiKey } from "../identity/api-key.ts";
import { namePattern } from "../identity/credential-file.ts";
import { makeUserLine } from "../identity/password-hash.ts";
import { exitCodes } from "./exit-code.ts";
import type { Output } from "./output.ts";
import { readStandardInput } from "./standard-input.ts";

/** Shorter ones are guessed, however slow the hash. */
const PASSWORD_BYTES_MIN = 8;
/** The field that carries it has 1024 bytes of base64 for name and password. */
const PASSWORD_BYTES_MAX = 512;
const INPUT_BYTES_MAX = 1_048_576;

/** `zion api-key ID`: a line for `api_keys_file` on standard output, and the key itself, which is kept nowhere, beside it. */
export function apiKeyCommand(id: string, scopes: readonly string[], output: Output): number {
  if (!isName(id, output)) return exitCodes.usage;
  const bad = scopes.find((scope) => !/^[!-~]+$/.test(scope));
  if (bad !== undefined) {
    output.err.write("error: a scope is a word of visible characters\n");
    return exitCodes.usage;
  }
  const key = makeApiKey();
  output.out.write(`${[id, digestApiKey(key), ...scopes].join(" ")}\n`);
  output.err.write(`key, shown this once: ${key}\n`);
  return exitCodes.ok;
}

/** `zion password NAME`: a line for `users_file`, from the password on standard input. */
export async function passwordCommand(name: string, output: Output): Promise<number> {
  if (!isName(name, output)) return exitCodes.usage;
  // One line end is not part of it: `echo` writes one.
  const password = readStandardInput(INPUT_BYTES_MAX)
    .toString("utf8")
    .replace(/\r?\n$/, "");
  const bytes = Buffer.byteLength(password);
  if (bytes < PASSWORD_BYTES_MIN || bytes > PASSWORD_BYTES_MAX) {
    output.err.write(`error: a password has ${PASSWORD_BYTES_MIN} to ${PASSWORD_BYTES_MAX} bytes\n`);
    return exitCodes.usage;
  }
  output.out.write(`${await makeUserLine(name, password)}\n`);
  return exitCodes.ok;
}

function isName(name: string, output: Output): boolean {
  if (namePattern.test(name)) return true;
  output.err.write(
    "error: a name has 1 to 128 letters, digits and @._+-, and begins with a letter or digit\n",
  );
  return false;
}
