import { HEAD_MORE, HEAD_REFUSED, type HeadLimits, readHead } from "../../src/http/head.ts";
import {
  CanonicalRequest,
  FIELD_SLOTS,
  FORWARD,
  methodNames,
  NAME_END,
  NAME_START,
  VALUE_END,
  VALUE_START,
} from "../../src/http/request.ts";

/** The limits of a default configuration. */
export const defaultLimits: HeadLimits = {
  headBytesMax: 16384,
  fieldsMax: 64,
  valueBytesMax: 8192,
  targetBytesMax: 8192,
  queryParamsMax: 256,
  path: { encodeRawChars: false, segmentsMax: 256 },
};

/** One reading of a head, as plain values that can be compared. */
export type HeadReading =
  | { readonly outcome: "more" }
  | { readonly outcome: "refused"; readonly reason: string }
  | AcceptedHead;

export interface AcceptedHead {
  readonly outcome: "accepted";
  /** Bytes of the head, the empty line included. */
  readonly bytes: number;
  readonly method: string;
  readonly version: number;
  readonly path: string;
  readonly routePath: string;
  readonly query: string;
  readonly host: string;
  readonly port: number;
  readonly fields: readonly (readonly [name: string, value: string])[];
  /** Whether each field goes upstream as it stands. */
  readonly forwarded: readonly boolean[];
  readonly body: number;
  readonly bodyLength: number;
  readonly keepAlive: boolean;
  readonly upgrade: boolean;
  readonly expectContinue: boolean;
  readonly targetBytes: number;
}

/** Reads a head with a fresh request, or into `request`, whose earlier contents must not matter. */
export function readAsHead(
  bytes: Uint8Array,
  request: CanonicalRequest = new CanonicalRequest(),
  limits: HeadLimits = defaultLimits,
): HeadReading {
  const end = readHead(bytes, 0, bytes.length, request, limits);
  if (end === HEAD_MORE) return { outcome: "more" };
  if (end === HEAD_REFUSED) return { outcome: "refused", reason: request.refusal!.code };
  const fields: (readonly [string, string])[] = [];
  const forwarded: boolean[] = [];
  for (let index = 0; index < request.fieldCount; index++) {
    const slot = index * FIELD_SLOTS;
    const at = (offset: number): number => request.fields[slot + offset]!;
    fields.push([request.text(at(NAME_START), at(NAME_END)), request.text(at(VALUE_START), at(VALUE_END))]);
    forwarded.push(at(FORWARD) === 1);
  }
  return {
    outcome: "accepted",
    bytes: end,
    method: methodNames[request.method]!,
    version: request.version,
    path: request.text(request.pathStart, request.pathEnd),
    routePath: request.text(request.routePathStart, request.routePathEnd),
    query: request.text(request.queryStart, request.queryEnd),
    host: request.text(request.hostStart, request.hostEnd),
    port: request.port,
    fields,
    forwarded,
    body: request.bodyKind,
    bodyLength: request.bodyLength,
    keepAlive: request.keepAlive,
    upgrade: request.upgrade,
    expectContinue: request.expectContinue,
    targetBytes: request.targetBytes,
  };
}
