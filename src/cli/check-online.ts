import { isIP } from "node:net";
import type { Config, EndpointConfig, KeySourceConfig, UpstreamConfig } from "../config/config.ts";
import { fetchKeys } from "../control/jwks-fetch.ts";
import { probeEndpoint } from "../control/probe-http2.ts";
import { lookupAll, unbracket } from "../control/resolver.ts";
import { exitCodes } from "./exit-code.ts";
import type { Output } from "./output.ts";

/** One thing that the configuration relies on, and whether it is there. */
interface Finding {
  readonly what: string;
  /** "" = fine. */
  readonly problem: string;
}

/** Asked at once: a config of a thousand servers must not look like an attack. */
const askedAtOnce = 16;

/**
 * `zion check --online`: asks every server that the configuration names, once, as the gateway would: names are looked up,
 * connections opened, certificates checked, probes answered, key sets fetched. Resolves with the exit code.
 */
export async function checkOnline(config: Config, output: Output): Promise<number> {
  const questions = [
    ...config.upstreams.flatMap((upstream) =>
      upstream.endpoints.map((endpoint) => () => askEndpoint(upstream, endpoint)),
    ),
    ...config.authProfiles.flatMap((profile) =>
      profile.kind === "jwt" && profile.keySource !== undefined
        ? [() => askKeys(profile.name, profile.keySource!)]
        : [],
    ),
  ];
  const findings: Finding[] = [];
  for (let at = 0; at < questions.length; at += askedAtOnce)
    findings.push(...(await Promise.all(questions.slice(at, at + askedAtOnce).map((ask) => ask()))));
  const wrong = findings.filter(({ problem }) => problem !== "");
  for (const { what, problem } of wrong) output.out.write(`  ${what}: ${problem}\n`);
  output.out.write(`online: ${findings.length - wrong.length} of ${findings.length} answer\n`);
  return wrong.length === 0 ? exitCodes.ok : exitCodes.no;
}

async function askEndpoint(upstream: UpstreamConfig, endpoint: EndpointConfig): Promise<Finding> {
  const what = `upstream ${upstream.name}, ${endpoint.url}`;
  const addresses = await addressesOf(endpoint);
  if (typeof addresses === "string") return { what, problem: addresses };
  const result = await probeEndpoint(upstream, endpoint, addresses);
  // Without probes nobody said which status is a good one: it answers, which is what counts.
  const isFine = result.healthy || (upstream.health.intervalMs === 0 && result.cause.startsWith("status "));
  return { what, problem: isFine ? "" : result.cause };
}

/** Undefined: it has no name to look up. A text: why it has no addresses. */
async function addressesOf({
  host,
  socketPath,
}: EndpointConfig): Promise<readonly string[] | string | undefined> {
  if (socketPath !== "" || isIP(unbracket(host)) !== 0) return undefined;
  try {
    return (await lookupAll(host)).map(({ address }) => address);
  } catch (error) {
    return `${host} does not resolve (${(error as NodeJS.ErrnoException).code ?? "unknown"})`;
  }
}

async function askKeys(profile: string, source: KeySourceConfig): Promise<Finding> {
  const keys = await fetchKeys(source);
  return { what: `auth_profile ${profile}, ${source.url}`, problem: typeof keys === "string" ? keys : "" };
}
