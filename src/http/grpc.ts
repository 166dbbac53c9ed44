import { F } from "./field.ts";
import {
  type CanonicalRequest,
  FIELD_SLOTS,
  NAME_END,
  NAME_START,
  VALUE_END,
  VALUE_START,
} from "./request.ts";

/**
 * Whether the request is a gRPC call by its Content-Type: `application/grpc`, also with `+proto` and the like. Not
 * gRPC-Web, which is an ordinary POST with an ordinary answer.
 */
export function isGrpc(request: CanonicalRequest): boolean {
  const index = request.firstField[F.contentType]!;
  if (index < 0) return false;
  const { arena, fields } = request;
  const start = fields[index * FIELD_SLOTS + VALUE_START]!;
  const end = fields[index * FIELD_SLOTS + VALUE_END]!;
  const length = end - start;
  if (length < TYPE.length) return false;
  for (let at = 0; at < TYPE.length; at++) if ((arena[start + at]! | 0x20) !== TYPE[at]) return false;
  if (length === TYPE.length) return true;
  const next = arena[start + TYPE.length]!;
  return next === PLUS || next === SEMICOLON || next === SPACE;
}

/**
 * What the client says its call may take (`grpc-timeout`: up to 8 digits and a unit), in ms, at least 1. Infinity when
 * it says nothing, or nothing that can be read: it is the upstream's to refuse then.
 */
export function grpcTimeoutMs(request: CanonicalRequest): number {
  const [first] = valuesOf(request, "grpc-timeout");
  const match = first === undefined ? null : /^(\d{1,8})([HMSmun])$/.exec(first);
  return match === null ? Infinity : Math.max(1, Math.ceil(Number(match[1]) * unitMs[match[2]!]!));
}

/** How the client compresses messages (`grpc-encoding`); undefined where it does not say, or says it twice. */
export function grpcEncoding(request: CanonicalRequest): string | undefined {
  const values = valuesOf(request, "grpc-encoding");
  return values.length === 1 ? values[0] : undefined;
}

/** Values of a field that has no id, in order. */
function valuesOf(request: CanonicalRequest, name: string): readonly string[] {
  const { fields } = request;
  const values: string[] = [];
  for (let index = 0; index < request.fieldCount; index++) {
    const slot = index * FIELD_SLOTS;
    const start = fields[slot + NAME_START]!;
    const end = fields[slot + NAME_END]!;
    if (end - start !== name.length || request.text(start, end).toLowerCase() !== name) continue;
    values.push(request.text(fields[slot + VALUE_START]!, fields[slot + VALUE_END]!));
  }
  return values;
}

const unitMs: Readonly<Record<string, number>> = {
  H: 3_600_000,
  M: 60_000,
  S: 1000,
  m: 1,
  u: 0.001,
  n: 0.000_001,
};

/** `/` (0x2f) has the bit that folds letters already. */
const TYPE = Buffer.from("application/grpc", "latin1");
const PLUS = 43;
const SEMICOLON = 59;
const SPACE = 32;
