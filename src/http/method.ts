import { DELETE, GET, HEAD, methodNames, OPTIONS, PROPFIND, PUT, REPORT, SEARCH } from "./request.ts";

/** Id of the method at `source[start, end)`, or -1. Method names are case-sensitive (RFC 9110 §9.1). */
export function methodId(source: Uint8Array, start: number, end: number): number {
  const candidates = methodsByLength[end - start];
  if (candidates === undefined) return -1;
  next: for (const candidate of candidates) {
    const name = candidate.bytes;
    for (let i = 0; i < name.length; i++) if (source[start + i] !== name[i]) continue next;
    return candidate.id;
  }
  return -1;
}

interface MethodBytes {
  readonly id: number;
  readonly bytes: Uint8Array;
}

const methodsByLength: readonly (readonly MethodBytes[] | undefined)[] = buildMethods(methodNames);

function buildMethods(names: readonly string[]): MethodBytes[][] {
  const byLength: MethodBytes[][] = [];
  names.forEach((name, id) => {
    (byLength[name.length] ??= []).push({ id, bytes: Buffer.from(name, "latin1") });
  });
  return byLength;
}

/** 1 for the bytes of a method we would answer 501 to rather than 400: upper-case letters, digits and hyphen. */
export const methodByte: Uint8Array = buildMethodBytes();

function buildMethodBytes(): Uint8Array {
  const bytes = new Uint8Array(256);
  for (let byte = 65; byte <= 90; byte++) bytes[byte] = 1;
  for (let byte = 48; byte <= 57; byte++) bytes[byte] = 1;
  bytes[45] = 1;
  return bytes;
}

/**
 * What it does twice is what it does once (RFC 9110 §9.2.2). Of WebDAV those that only read: of the others a second try
 * answers otherwise than the first. Not of TRACE, which is not served.
 */
export function isIdempotent(method: number): boolean {
  return (idempotent & (1 << method)) !== 0;
}

/** Only reads (RFC 9110 §9.2.1). */
export function isSafe(method: number): boolean {
  return (safe & (1 << method)) !== 0;
}

const safe = (1 << GET) | (1 << HEAD) | (1 << OPTIONS) | (1 << PROPFIND) | (1 << REPORT) | (1 << SEARCH);
const idempotent = safe | (1 << PUT) | (1 << DELETE);
