/** A configuration for real processes: two workers, no delays at the end. */
export function systemConfig(
  originPort: number,
  more: { readonly server?: string; readonly route?: string } = {},
): string {
  return `
[server]
http_mode = "serve"
workers = 2
shutdown_delay_ms = 0
shutdown_grace_ms = 10000
max_connections_per_ip = 0
${more.server ?? ""}

[upstream.app]
url = "http://127.0.0.1:${originPort}"
health = { interval_ms = 0 }

[[route]]
path = "/{*rest}"
upstream = "app"
${more.route ?? ""}
`;
}
