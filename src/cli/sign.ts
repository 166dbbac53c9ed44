import { readProblem, readRegularFile } from "../config/files.ts";
import { printSignature } from "../config/signature.ts";
import { exitCodes } from "./exit-code.ts";
import type { Output } from "./output.ts";

export interface SignOptions {
  readonly config: string;
  /** File of an Ed25519 private key, PEM. */
  readonly key: string;
  readonly configVersion: number;
}

/** `zion sign`: prints what belongs into `zion.toml.sig`. Returns the exit code. */
export function signCommand(options: SignOptions, output: Output): number {
  try {
    const key = Buffer.from(readRegularFile(options.key)).toString("utf8");
    output.out.write(printSignature(readRegularFile(options.config), options.configVersion, key));
    return exitCodes.ok;
  } catch (error) {
    const { code, path } = error as NodeJS.ErrnoException;
    const why =
      code === undefined && error instanceof Error
        ? error.message
        : `cannot read ${path ?? "the files"}: ${readProblem(error)}`;
    output.err.write(`zion sign: ${why}\n`);
    return exitCodes.unavailable;
  }
}
