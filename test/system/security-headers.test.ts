import assert from "node:assert/strict";
import https from "node:https";
import { test } from "node:test";
import { startGateway } from "../support/gateway.ts";
import { startOrigin } from "../support/origin.ts";

test("answers get what keeps browsers safe where the upstream says nothing, and say less of it", async (t) => {
  const origin = await startOrigin({
    script: async (request, connection) => {
      const own = request.target.startsWith("/own")
        ? "X-Frame-Options: DENY\r\nReferrer-Policy: no-referrer\r\n"
        : "";
      connection.socket.write(
        `HTTP/1.1 200 OK\r\nServer: app\r\nX-Powered-By: x\r\n${own}Content-Length: 0\r\n\r\n`,
      );
    },
  });
  t.after(() => origin.close());
  const route = (path: string, more: string): string =>
    `[[route]]\npath = "${path}"\nupstream = "app"\n${more}\n`;
  const gateway = await startGateway(
    t,
    `[server]
http_mode = "serve"
[upstream.app]
url = "http://127.0.0.1:${origin.port}"
[header_profile.strict]
csp = "default-src 'none'"
frame_options = "off"
remove = []
${route("/{*rest}", "")}
${route("/own", "")}
${route("/csp", `csp = "default-src 'self'"`)}
${route("/strict", 'header_profile = "strict"\n[route.response_headers]\nset = { "Referrer-Policy" = "origin" }\nremove = ["X-Content-Type-Options"]')}
`,
    { tls: true },
  );
  const ask = (path: string) =>
    new Promise<Record<string, unknown>>((resolve, reject) => {
      const options = {
        host: "127.0.0.1",
        port: gateway.tlsPort,
        path,
        agent: false,
        rejectUnauthorized: false,
      };
      const request = https.get(options, (answer) => {
        answer.resume();
        resolve(
          Object.fromEntries(
            [
              "strict-transport-security",
              "x-content-type-options",
              "x-frame-options",
              "referrer-policy",
              "content-security-policy",
              "server",
              "x-powered-by",
            ].map((name) => [name, answer.headers[name]]),
          ),
        );
      });
      request.on("error", reject);
    });
  const usual = {
    "strict-transport-security": "max-age=31536000",
    "x-content-type-options": "nosniff",
    "x-frame-options": "SAMEORIGIN",
    "referrer-policy": "strict-origin-when-cross-origin",
    "content-security-policy": undefined,
    server: undefined,
    "x-powered-by": undefined,
  };
  assert.deepEqual(await ask("/"), usual);
  assert.deepEqual(await ask("/own"), {
    ...usual,
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
  });
  assert.deepEqual(await ask("/csp"), { ...usual, "content-security-policy": "default-src 'self'" });
  assert.deepEqual(await ask("/strict"), {
    ...usual,
    "x-content-type-options": undefined,
    "x-frame-options": undefined,
    "referrer-policy": "origin",
    "content-security-policy": "default-src 'none'",
    "x-powered-by": "x",
  });
});
