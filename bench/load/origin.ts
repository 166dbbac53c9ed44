import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { writeNginx } from "./nginx.ts";
import { freePort, type Running, startPinned } from "./process.ts";
import { getHuge, getLarge, getSmall, type Traffic } from "./traffic.ts";

/** What stands behind every candidate. */
export interface Origin {
  readonly port: number;
  /** Of the same over TLS 1.3; 0 = without a certificate. */
  readonly tlsPort: number;
  readonly process: Running;
}

/** 150 bytes of JSON. */
export const smallAnswer =
  '{"id":4711,"name":"garden hose 5m","price":"24.90","stock":7,' +
  '"tags":["garden","water","hose","sale"],"rating":4.5,"reviews":238,"shipping":"2-3 days"}';

/**
 * nginx on `cpu`: a fixed 150 B answer with 9 fields for everything, a 10 kB file under /files/, and /witness/,
 * which passes the request on to the benchmark itself to be looked at. Its connections are never closed by count:
 * reconnects would be charged to the candidates by chance.
 */
export async function startOrigin(
  cpu: number,
  parent: string,
  witnessPort: number,
  certificate?: { readonly certFile: string; readonly keyFile: string },
): Promise<Origin> {
  const directory = join(parent, "origin");
  mkdirSync(join(directory, "files"), { recursive: true });
  for (const traffic of [getLarge, getHuge])
    writeFileSync(join(directory, fileOf(traffic)), page(traffic.answerBytes));
  if (smallAnswer.length !== getSmall.answerBytes) throw new Error(`${smallAnswer.length} B of small answer`);

  const port = await freePort();
  const tlsPort = certificate === undefined ? 0 : await freePort();
  const listenTls =
    certificate === undefined
      ? ""
      : `listen 127.0.0.1:${tlsPort} ssl backlog=4096;
    ssl_certificate ${certificate.certFile};
    ssl_certificate_key ${certificate.keyFile};`;
  const command = writeNginx(
    directory,
    `
  access_log off;
  keepalive_requests 100000000;
  keepalive_timeout 300s;
  client_max_body_size 16m;
  server {
    # 4,096 clients come at once in bench/growth.ts.
    listen 127.0.0.1:${port} backlog=4096;
    ${listenTls}
    add_header Cache-Control "public, max-age=60";
    add_header ETag '"4711-17"';
    add_header Vary "Accept-Encoding";
    add_header X-Origin "bench";
    location / {
      default_type application/json;
      return 200 '${smallAnswer}';
    }
    location /files/ {
      types { text/html html; }
      root ${directory};
    }
    # Reads the whole body before it answers, as what takes uploads does.
    location /sink/import {
      client_body_buffer_size 16m;
      proxy_pass http://127.0.0.1:${port}/imported;
      proxy_pass_request_body off;
      proxy_set_header Content-Length "";
      # One of its own, so that those above are not added a second time.
      add_header X-Upload "whole";
    }
    location /witness/ {
      proxy_pass http://127.0.0.1:${witnessPort};
      proxy_set_header Host $http_host;
    }
  }`,
  );
  const running = startPinned(cpu, command, join(directory, "output"));
  await running.listening(port);
  return { port, tlsPort, process: running };
}

function fileOf({ target }: Traffic): string {
  return target.slice(1, target.indexOf("?"));
}

function page(bytes: number): string {
  const head = "<!doctype html><title>Garden tools</title>\n";
  const count = Math.ceil(bytes / 36);
  const rows = Array.from(
    { length: count },
    (_, row) => `<p class="item">Item ${row} of the catalogue</p>\n`,
  );
  return (head + rows.join("")).slice(0, bytes);
}
