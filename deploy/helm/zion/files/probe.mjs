// Asks a gateway what `helm test` wants to know: is it ready, does it serve, does its WAF refuse an attack. Exit code 0 = yes.
import http from "node:http";
import https from "node:https";

const { ZION_URL, ZION_TELEMETRY_URL, ZION_HOST } = process.env;
const attack = "q=1%27%20UNION%20SELECT%20password%20FROM%20users--";

function statusOf(url, headers = {}) {
  const client = url.startsWith("https:") ? https : http;
  return new Promise((resolve, reject) => {
    // Whose certificate it is says nothing about the gateway: the name asked for is the Service's.
    const request = client.get(url, { headers, rejectUnauthorized: false, timeout: 10_000 }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    request.on("timeout", () => request.destroy(new Error("no answer in 10 s")));
    request.on("error", reject);
  });
}

const headers = ZION_HOST ? { host: ZION_HOST } : {};
const checks = [
  ["ready", () => statusOf(`${ZION_TELEMETRY_URL}/readyz`), (status) => status === 200],
  ["a good request is not refused", () => statusOf(ZION_URL, headers), (status) => status < 500 && status !== 400 && status !== 403],
  ["an attack is refused", () => statusOf(`${ZION_URL}?${attack}`, headers), (status) => status === 400 || status === 403],
];
for (const [what, ask, isGood] of checks) {
  const status = await ask();
  console.log(`${isGood(status) ? "ok" : "FAILED"} ${what}: ${status}`);
  if (!isGood(status)) process.exitCode = 1;
}
