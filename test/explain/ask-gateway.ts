import { createHash } from "node:crypto";
import http from "node:http";
import type { Explanation } from "../../src/explain/explanation.ts";
import type { Gateway } from "../control/gateway.ts";

const token = `zion_admin_${"k".repeat(43)}`;

/** Lines of `[admin]` that let `explainAt` in. */
export const adminLines = `write = true
[admin.token.explainer]
sha256 = "${createHash("sha256").update(token).digest("hex")}"
role = "operate"
expires = 2099-01-01
`;

/** What the gateway that runs would do with `GET /` and these fields. */
export function explainAt(
  { adminPort }: Gateway,
  fields: Readonly<Record<string, string>>,
): Promise<Explanation> {
  const lines = Object.entries({ Host: "a.test", ...fields }).map(([name, value]) => `${name}: ${value}\r\n`);
  const bytes = Buffer.from(`GET / HTTP/1.1\r\n${lines.join("")}\r\n`).toString("base64");
  const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/json", Host: "localhost" };
  const options = { port: adminPort, path: "/v1/explain", method: "POST", headers };
  return new Promise((resolve, reject) => {
    http
      .request(options, async (answer) => {
        const body = Buffer.concat(await answer.toArray()).toString();
        if (answer.statusCode === 200) resolve(JSON.parse(body) as Explanation);
        else reject(new Error(`${answer.statusCode}: ${body}`));
      })
      .on("error", reject)
      .end(JSON.stringify({ bytes, from: "127.0.0.1", secure: false, server_name: "" }));
  });
}

/** Verdict and words of a step; "" = there is none. */
export function said({ steps }: Explanation, name: string): string {
  const found = steps.find((step) => step.name === name);
  return found === undefined ? "" : `${found.verdict}: ${found.says}`;
}
