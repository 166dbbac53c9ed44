/**
 * The part of DER (ITU-T X.690) that a certificate or a signing request is written with: definite lengths, low tag
 * numbers. Writing only; certificates are read by OpenSSL.
 */
export function sequence(...parts: readonly Buffer[]): Buffer {
  return value(0x30, Buffer.concat(parts));
}

export function set(...parts: readonly Buffer[]): Buffer {
  return value(0x31, Buffer.concat(parts));
}

/** Big-endian two's complement; the caller gives a positive number whose top bit is clear. */
export function integer(bytes: Buffer): Buffer {
  return value(0x02, bytes);
}

/** `unused` = bits of the last byte that do not count, 0 to 7. */
export function bitString(bytes: Buffer, unused: number): Buffer {
  return value(0x03, Buffer.concat([Buffer.from([unused]), bytes]));
}

export function octetString(bytes: Buffer): Buffer {
  return value(0x04, bytes);
}

export function utf8String(text: string): Buffer {
  return value(0x0c, Buffer.from(text, "utf8"));
}

/** Dotted decimal, e.g. "2.5.29.17". */
export function objectId(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split(".").map(Number);
  return value(0x06, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]));
}

/** RFC 5280 §4.1.2.5: UTCTime before 2050, GeneralizedTime from then on. */
export function time(ms: number): Buffer {
  const digits = new Date(ms).toISOString().replace(/[-:T]/g, "").slice(0, 14);
  if (digits >= "2050") return value(0x18, Buffer.from(`${digits}Z`, "latin1"));
  return value(0x17, Buffer.from(`${digits.slice(2)}Z`, "latin1"));
}

/** `[number]`, constructed (EXPLICIT) unless `constructed` is false (IMPLICIT of a primitive). */
export function contextTag(number: number, content: Buffer, constructed = true): Buffer {
  return value((constructed ? 0xa0 : 0x80) | number, content);
}

export const NULL = value(0x05, Buffer.alloc(0));
export const TRUE = value(0x01, Buffer.from([0xff]));

function value(tag: number, content: Buffer): Buffer {
  return Buffer.concat([Buffer.from([tag]), length(content.length), content]);
}

function length(bytes: number): Buffer {
  if (bytes < 0x80) return Buffer.from([bytes]);
  if (bytes < 0x100) return Buffer.from([0x81, bytes]);
  if (bytes < 0x10000) return Buffer.from([0x82, bytes >> 8, bytes & 255]);
  throw new RangeError("DER values over 65,535 bytes are not written");
}

function base128(number: number): number[] {
  const digits = [number & 0x7f];
  for (let rest = number >>> 7; rest > 0; rest >>>= 7) digits.unshift((rest & 0x7f) | 0x80);
  return digits;
}
