import { F } from "./field.ts";
import { type CanonicalRequest, FIELD_SLOTS, VALUE_END, VALUE_START } from "./request.ts";

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

/** `/` (0x2f) has the bit that folds letters already. */
const TYPE = Buffer.from("application/grpc", "latin1");
const PLUS = 43;
const SEMICOLON = 59;
const SPACE = 32;
