import type { Config, SocketAddress } from "../config/config.ts";
import { createFrames } from "../record/metric-frame.ts";
import type { Clock } from "../std/clock.ts";
import { createAdmin, digestToken, endpointPath, maxAdminBodyBytes, minTokenBytes } from "./admin.ts";
import { adminEndpoints } from "./admin-endpoints.ts";
import type { BanSource } from "./ban-endpoints.ts";
import { type ControlListener, openControlListener } from "./control-listener.ts";
import type { DecisionRing } from "./decision-ring.ts";
import type { Exposition } from "./exposition.ts";
import type { IdentityDesk } from "./identity-desk.ts";
import type { LimitExchange } from "./limit-exchange.ts";
import { buildOverview } from "./overview.ts";
import type { Reloader } from "./reload.ts";
import type { InheritedSocket } from "./slots.ts";
import type { Supervision } from "./supervision.ts";
import { createTelemetry } from "./telemetry.ts";

/** What operators may look at and change. */
export interface Gateway {
  readonly version: string;
  readonly supervision: Supervision;
  readonly reloader: Reloader;
  readonly exposition: Exposition;
  readonly bans: BanSource;
  readonly decisions: DecisionRing;
  readonly identity: Pick<IdentityDesk, "revocations">;
  readonly limits: LimitExchange;
  readonly life: { readonly started: boolean; readonly draining: boolean; readonly replaced: boolean };
  readonly clock: Clock;
}

/** As whose figures the primary's own count; numbers of workers begin at 1. */
const PRIMARY = 0;

/** Binds the telemetry and the admin listener, as far as they are on. Throws BindError, and then none is bound. */
export async function openOperatorListeners(
  gateway: Gateway,
  tokenDigest: Buffer | undefined,
  inherited: readonly InheritedSocket[] = [],
): Promise<readonly ControlListener[]> {
  const boundTo = (name: string, { host, port }: SocketAddress) =>
    inherited.find((one) => one.name === name && one.host === host && (port === 0 || one.port === port))
      ?.handle;
  const { version, supervision, reloader, identity, exposition, limits, life, clock, bans, decisions } =
    gateway;
  const { telemetry, admin } = reloader.config;
  const endpoints = adminEndpoints({
    overview: () =>
      buildOverview(
        version,
        reloader.generation,
        { serving: supervision.serving, wanted: supervision.wanted },
        reloader.config.routes,
      ),
    generations: reloader.history,
    reload: () => reloader.reload("api"),
    bans,
    decisions,
    revocations: identity.revocations,
  });
  // Label values: paths of ours, never what somebody asked for.
  const counted = [...telemetryPaths.map((path) => ({ path })), ...endpoints];
  const onAnswer = (path: string, status: number) =>
    exposition.add("adminRequests", [endpointPath(counted, path), String(status)]);
  const limitFrames = createFrames();
  const opened: ControlListener[] = [];
  try {
    if (telemetry.listen !== undefined) {
      const handle = createTelemetry({
        vitals: () => ({
          sinceTickMs: supervision.sinceTickMs,
          servingWorkers: supervision.serving,
          wantedWorkers: supervision.wanted,
          configured: reloader.generation > 0,
          limitStore: limits.storeState,
          configRefused: reloader.refused,
          ...life,
        }),
        exposition,
        scrapeWorkers: async (deadlineMs) => {
          await supervision.scrape(deadlineMs);
          // As if it were one of them.
          exposition.absorb(PRIMARY, limitFrames(limits.samples()));
        },
        clock,
      });
      const name = "telemetry";
      opened.push(
        await openControlListener({
          name,
          address: telemetry.listen,
          bound: boundTo(name, telemetry.listen),
          maxBodyBytes: 0,
          handle,
          onAnswer,
        }),
      );
    }
    if (admin.listen !== undefined) {
      let port = admin.listen.port;
      const handle = createAdmin({
        tokenDigest,
        port: () => port,
        endpoints,
      });
      const address = admin.listen;
      const listener = await openControlListener({
        name: "admin",
        address,
        bound: boundTo("admin", address),
        maxBodyBytes: maxAdminBodyBytes,
        handle,
        onAnswer,
      });
      port = listener.address.port;
      opened.push(listener);
    }
    return opened;
  } catch (error) {
    for (const listener of opened) listener.close();
    throw error;
  }
}

const telemetryPaths = ["/", "/livez", "/readyz", "/startupz", "/metrics"] as const;

/** The admin token; a short one is refused, none means that nothing can be written. It leaves the environment. */
export function readToken(
  { admin }: Config,
  environment: NodeJS.ProcessEnv,
): { readonly digest: Buffer | undefined; readonly problem?: string } {
  const name = admin.writeTokenEnv;
  if (admin.listen === undefined || name === undefined) return { digest: undefined };
  const token = environment[name];
  if (token === undefined) return { digest: undefined };
  if (Buffer.byteLength(token) < minTokenBytes) {
    return {
      digest: undefined,
      problem: `admin.write_token_env: ${name} holds fewer than ${minTokenBytes} bytes`,
    };
  }
  delete environment[name];
  return { digest: digestToken(token) };
}
