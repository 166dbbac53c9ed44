import { readFileSync } from "node:fs";
import http from "node:http";
import https from "node:https";

/**
 * Both listeners of a peer that is a Node package: `node NAME.mjs HTTP_PORT HTTPS_PORT ORIGIN_PORT CERT KEY`. Each adapter sets
 * the forwarding fields that the other candidates set, keeps connections to the origin, and writes no log: none of
 * the packages has one.
 */
const [httpPort, httpsPort, originPort, certFile, keyFile] = process.argv.slice(2);

export const origin = `http://127.0.0.1:${originPort}`;
export const originAt = { hostname: "127.0.0.1", port: Number(originPort) };
export const agent = new http.Agent({ keepAlive: true, maxSockets: 256 });

/** What the other candidates tell the origin. */
export function forwarded(request) {
  return {
    "x-real-ip": "127.0.0.1",
    "x-forwarded-for": "127.0.0.1",
    "x-forwarded-host": request.headers.host ?? "",
    "x-forwarded-proto": request.socket.encrypted ? "https" : "http",
  };
}

export const tls = {
  cert: readFileSync(certFile),
  key: readFileSync(keyFile),
  minVersion: "TLSv1.3",
  ecdhCurve: "X25519",
};

/** `upgrade` takes WebSockets, for the packages that can. */
export function listen(handle, upgrade) {
  for (const [server, port] of [
    [http.createServer(handle), httpPort],
    [https.createServer(tls, handle), httpsPort],
  ]) {
    if (upgrade !== undefined) server.on("upgrade", upgrade);
    server.listen(Number(port), "127.0.0.1");
  }
}

export const ports = { http: Number(httpPort), https: Number(httpsPort) };
