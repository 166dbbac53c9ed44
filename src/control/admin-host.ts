import type { AdminConfig, ControlAddress } from "../config/config.ts";

/**
 * Whether `Host` is a name of the admin listener: a loopback name, the address that the client reached, or one of
 * `hosts`. A page that had its own name resolve to this machine (DNS rebinding) asks for another one.
 */
export function isOurHost(
  host: string,
  reached: string,
  { hosts }: Pick<AdminConfig, "hosts">,
  listening: ControlAddress,
): boolean {
  const [, name = "", port] = /^(\[[0-9a-f:.]+\]|[^:]+)(?::(\d{1,5}))?$/i.exec(host.toLowerCase()) ?? [];
  // Behind a forwarded port the names that the configuration gives are good with any.
  if (hosts.includes(name)) return true;
  if ("port" in listening && port !== undefined && Number(port) !== listening.port) return false;
  return (
    /^(localhost|127(?:\.\d{1,3}){3}|\[::1\])$/.test(name) || (name !== "" && name === literalOf(reached))
  );
}

/** An address as it stands in `Host`. */
function literalOf(address: string): string {
  const bare = address.toLowerCase().replace(/^::ffff:(?=\d+\.)/, "");
  return bare.includes(":") ? `[${bare}]` : bare;
}
