import { type CanonicalRequest, FIELD_ID, FIELD_SLOTS } from "./request.ts";
import { COPIED } from "./request-copy.ts";

/** What is a text, bytes or an object among `COPIED`. */
const OTHERS = ["clientAddress", "clientIp", "sentHostLine"] as const;
const NUMBERS = COPIED.filter((name) => !(OTHERS as readonly string[]).includes(name));
const HEADER_INTS = NUMBERS.length + 5 + 3;

/**
 * A request as bytes, for another worker of the same gateway, which is trusted: what `copyRequest` copies, the arena as it
 * is, and no second reading of anything.
 *
 *     numbers · client address: v4 and four words · lengths of address text, Host line and arena · fields · the three
 */
export function writeRequest(request: CanonicalRequest): Buffer {
  const address = Buffer.from(request.clientAddress, "latin1");
  const hostLine = request.sentHostLine ?? NONE;
  const fieldInts = request.fieldCount * FIELD_SLOTS;
  const ints = new Int32Array(HEADER_INTS + fieldInts);
  let at = 0;
  for (const name of NUMBERS) ints[at++] = Number(request[name]);
  const { v4, w0, w1, w2, w3 } = request.clientIp;
  for (const word of [Number(v4), w0, w1, w2, w3]) ints[at++] = word;
  for (const length of [address.length, hostLine.length, request.arenaEnd]) ints[at++] = length;
  ints.set(request.fields.subarray(0, fieldInts), at);
  const head = Buffer.from(ints.buffer);
  return Buffer.concat([head, address, hostLine, request.arena.subarray(0, request.arenaEnd)]);
}

/** Makes `to` the request that these bytes are. False: they are none. */
export function readRequest(bytes: Buffer, to: CanonicalRequest): boolean {
  if (bytes.length < HEADER_INTS * 4) return false;
  to.reset();
  let at = 0;
  const next = (): number => bytes.readInt32LE(at++ * 4);
  const target = to as unknown as Record<string, number | boolean>;
  for (const name of NUMBERS) {
    const value = next();
    target[name] = typeof to[name] === "boolean" ? value !== 0 : value;
  }
  to.clientIp = { v4: next() !== 0, w0: next(), w1: next(), w2: next(), w3: next() };
  const [addressBytes, hostLineBytes, arenaBytes] = [next(), next(), next()];
  const fieldInts = to.fieldCount * FIELD_SLOTS;
  const textAt = (HEADER_INTS + fieldInts) * 4;
  if (to.fieldCount < 0 || bytes.length !== textAt + addressBytes + hostLineBytes + arenaBytes) return false;
  if (to.fields.length < fieldInts) to.growFields(to.fieldCount);
  for (let i = 0; i < fieldInts; i++) to.fields[i] = next();
  for (let index = to.fieldCount - 1; index >= 0; index--)
    to.firstField[to.fields[index * FIELD_SLOTS + FIELD_ID]!] = index;
  to.firstField[0] = -1;
  to.clientAddress = bytes.latin1Slice(textAt, textAt + addressBytes);
  const hostLineAt = textAt + addressBytes;
  if (hostLineBytes > 0)
    to.sentHostLine = Uint8Array.from(bytes.subarray(hostLineAt, hostLineAt + hostLineBytes));
  to.reserve(arenaBytes);
  bytes.copy(to.arena, 0, hostLineAt + hostLineBytes);
  to.arenaEnd = arenaBytes;
  return true;
}

const NONE = new Uint8Array(0);
