import type { Case } from "./case.ts";
import { chunkedCases } from "./chunked.cases.ts";
import { framingCases } from "./framing.cases.ts";
import { runCases } from "./run.ts";

// The same framing on every way in: the shared read buffer sits behind a feature test, and so has a fallback.

const cases: readonly Case[] = [...framingCases, ...chunkedCases];

runCases("framing over plain sockets, by data events", cases, 110, { sharedReads: false });
runCases("framing over TLS, by the shared read buffer", cases, 110, { tls: true });
runCases("framing over TLS, by data events", cases, 110, { tls: true, sharedReads: false });
runCases("framing over plain sockets that may speak HTTP/2", cases, 110, { h2c: true });
