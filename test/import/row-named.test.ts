import assert from "node:assert/strict";
import { test } from "node:test";
import { importers } from "../../src/import/importers.ts";
import { reportJson, reportMarkdown } from "../../src/import/report.ts";

// Every object of JavaScript has these. In a table of directives none of them is one.
const words = ["constructor", "toString", "valueOf", "hasOwnProperty", "__proto__"];

/** A file with the word where each table is asked, and how many entries of its report have the word in their name. */
const inputs: readonly {
  readonly what: string;
  readonly importer: keyof typeof importers;
  readonly file: string;
  readonly text: (word: string) => string;
  readonly unknown: number;
}[] = [
  {
    what: "a directive of nginx",
    importer: "nginx",
    file: "nginx.conf",
    text: (word) =>
      `${word} 1; events {} http { ${word} 1; server { listen 80; ${word} 1; location / { ${word} 1; proxy_pass http://127.0.0.1:1; } } }`,
    unknown: 4,
  },
  {
    what: "a variable of nginx",
    importer: "nginx",
    file: "nginx.conf",
    text: (word) =>
      `events {} http { server { listen 80; location / { add_header X-A $${word}; proxy_pass http://127.0.0.1:1; } } }`,
    unknown: 0,
  },
  {
    what: "an annotation of ingress-nginx, and a key of its ConfigMap",
    importer: "ingress-nginx",
    file: "ingress.yaml",
    text: (word) => `apiVersion: v1
kind: ConfigMap
metadata: { name: ingress-nginx-controller, namespace: ingress-nginx }
data: { ${word}: "1" }
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: { name: a, namespace: b, annotations: { nginx.ingress.kubernetes.io/${word}: "1" } }
spec: { rules: [{ host: a.test, http: { paths: [{ path: /, pathType: Prefix, backend: { service: { name: w, port: { number: 80 } } } }] } }] }
`,
    unknown: 2,
  },
  {
    what: "a directive of Caddy, with and without a matcher, and global",
    importer: "caddy",
    file: "Caddyfile",
    text: (word) =>
      `{\n ${word} 1\n}\nhttp://a.test {\n ${word} 1\n ${word} /a 1\n @m expression x\n ${word} @m 1\n handle /b {\n ${word} 1\n respond 200\n }\n reverse_proxy 127.0.0.1:1\n}\n`,
    unknown: 5,
  },
  {
    what: "an option and a policy of Caddy's reverse_proxy",
    importer: "caddy",
    file: "Caddyfile",
    text: (word) =>
      `http://a.test {\n reverse_proxy 127.0.0.1:1 {\n ${word} 1\n lb_policy ${word}\n transport http {\n ${word} 1\n }\n }\n}\n`,
    unknown: 2,
  },
  {
    what: "a middleware, a strategy and a field of Traefik",
    importer: "traefik",
    file: "traefik.yml",
    text: (word) => `http:
  routers: { app: { rule: "Host(\`a.test\`)", service: app, middlewares: [one, two] } }
  middlewares: { one: { ${word}: { a: 1 } }, two: { headers: { ${word}: true } } }
  services: { app: { loadBalancer: { strategy: ${word}, servers: [{ url: "http://10.0.0.5" }] } } }
`,
    unknown: 2,
  },
];

for (const { what, importer, file, text, unknown } of inputs)
  for (const word of words)
    test(`\`${word}\` as ${what} is nothing that is known`, () => {
      const made = importers[importer].run([{ file, text: text(word) }], () => "not read");
      assert.equal(made.kind, "imported", JSON.stringify(made));
      if (made.kind !== "imported") return;
      for (const { name, explanation } of made.report.rows)
        assert.equal(typeof explanation, "string", `${name}: ${String(explanation)}`);
      const named = made.report.rows.filter(({ name }) => name.includes(word));
      assert.equal(named.length, unknown, JSON.stringify(made.report.rows));
      for (const { name, verdict } of named) assert.equal(verdict, "needs_you", name);
      assert.doesNotMatch(
        made.toml + reportMarkdown(made.report) + reportJson(made.report),
        /native code|object Object|undefined/,
      );
    });
