import { chmodSync, chownSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Setup } from "./candidate.ts";
import { apacheRules, writeRules } from "./modsecurity.ts";

/**
 * Apache with mod_security2 and the Core Rule Set in blocking mode, as a reverse proxy: event MPM, one process, its
 * connections to the origin kept, combined log. The log is not buffered: with BufferedLogs its lines could not be
 * counted, and a write costs some microseconds of a request that costs milliseconds.
 */
export async function apacheCommand(setup: Setup): Promise<readonly string[]> {
  const { directory } = setup;
  const rulesFile = writeRules(directory, apacheRules);
  const account = process.getuid?.() === 0 ? letIn(directory, "www-data") : "";
  const file = join(directory, "apache.conf");
  writeFileSync(
    file,
    `ServerRoot ${directory}
ServerName localhost
PidFile ${directory}/apache.pid
DefaultRuntimeDir ${directory}
ErrorLog ${directory}/error.log
${modules.map((name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`).join("\n")}
LoadModule security2_module ${apacheRules.module}
${account}
ServerLimit 1
StartServers 1
ThreadsPerChild 64
MaxRequestWorkers 64
MinSpareThreads 1
MaxSpareThreads 64
MaxConnectionsPerChild 0
KeepAlive On
MaxKeepAliveRequests 0
KeepAliveTimeout 60

LogFormat "%h %l %u %t \\"%r\\" %>s %O \\"%{Referer}i\\" \\"%{User-Agent}i\\"" combined
${setup.logFile === undefined ? "" : `CustomLog ${setup.logFile} combined`}

Listen 127.0.0.1:${setup.httpPort}
Listen 127.0.0.1:${setup.httpsPort} https
${host(setup, setup.httpPort, "http", "")}
${host(setup, setup.httpsPort, "https", tls(setup))}
Include ${rulesFile}
`,
  );
  return ["apache2", "-DFOREGROUND", "-f", file];
}

const modules = [
  "mpm_event",
  "authz_core",
  "headers",
  "proxy",
  "proxy_http",
  "setenvif",
  "socache_shmcb",
  "ssl",
  "unique_id",
];

/** mod_proxy adds X-Forwarded-For, -Host and -Server itself. */
function host(setup: Setup, port: number, scheme: string, more: string): string {
  return `<VirtualHost 127.0.0.1:${port}>
  ProxyPreserveHost On
  RequestHeader set X-Forwarded-Proto ${scheme}
  RequestHeader set X-Real-IP expr=%{REMOTE_ADDR}
  ProxyPass / http://127.0.0.1:${setup.originPort}/
${more}</VirtualHost>`;
}

function tls({ certFile, keyFile }: Setup): string {
  return `  SSLEngine on
  SSLProtocol TLSv1.3
  SSLCertificateFile ${certFile}
  SSLCertificateKeyFile ${keyFile}
`;
}

/**
 * Apache refuses to serve as root. Its account needs ModSecurity's data directory: without it the rules' counters per
 * address, which cost time, would be left out. Keys keep their own mode.
 */
function letIn(directory: string, account: string): string {
  const fields = readFileSync("/etc/passwd", "utf8")
    .split("\n")
    .map((line) => line.split(":"))
    .find(([name]) => name === account);
  if (fields === undefined) throw new Error(`no account ${account}`);
  chmodSync(dirname(directory), 0o711);
  chmodSync(directory, 0o711);
  chownSync(join(directory, "data"), Number(fields[2]), Number(fields[3]));
  return `User ${account}\nGroup ${account}`;
}
