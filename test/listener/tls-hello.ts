import { randomBytes } from "node:crypto";

/** A ClientHello written by hand, so that a test can say what no TLS library would (RFC 8446 §4.1.2). */
export interface HelloOptions {
  /** Version in the record header and, as legacy_version, in the hello. Default 0x0303. */
  readonly version?: number;
  /** supported_versions; [] leaves the extension out. Default TLS 1.3. */
  readonly supported?: readonly number[];
  readonly ciphers?: readonly number[];
  readonly groups?: readonly number[];
  readonly signatures?: readonly number[];
  /** Raw host name bytes. */
  readonly serverNames?: readonly Buffer[];
  readonly alpn?: readonly string[];
  /** Further extensions, [type, data]. */
  readonly extra?: readonly (readonly [number, Buffer])[];
}

export function clientHello(options: HelloOptions = {}): Buffer {
  const version = options.version ?? 0x0303;
  const body = Buffer.concat([
    u16(version),
    randomBytes(32),
    withLength(1, randomBytes(32)),
    withLength(2, ...(options.ciphers ?? [0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0x002f]).map(u16)),
    withLength(1, Buffer.from([0])),
    withLength(2, ...extensions(options)),
  ]);
  return record(0x16, Math.min(version, 0x0301), Buffer.concat([Buffer.from([1]), withLength(3, body)]));
}

/** One or more records of at most 16 KiB. */
export function record(type: number, version: number, payload: Buffer): Buffer {
  const records: Buffer[] = [];
  for (let at = 0; at < payload.length; at += 16_384) {
    records.push(Buffer.from([type]), u16(version), withLength(2, payload.subarray(at, at + 16_384)));
  }
  return Buffer.concat(records);
}

function extensions(options: HelloOptions): Buffer[] {
  const supported = options.supported ?? [0x0304];
  const groups = options.groups ?? [0x001d, 0x0017];
  const list: Buffer[] = [
    extension(10, withLength(2, ...groups.map(u16))),
    extension(13, withLength(2, ...(options.signatures ?? [0x0403, 0x0804, 0x0401]).map(u16))),
    extension(51, withLength(2, u16(groups[0] ?? 0x001d), withLength(2, randomBytes(32)))),
    extension(45, withLength(1, Buffer.from([1]))),
  ];
  if (supported.length > 0) list.push(extension(43, withLength(1, ...supported.map(u16))));
  if (options.serverNames !== undefined) {
    const names = options.serverNames.map((name) => Buffer.concat([Buffer.from([0]), withLength(2, name)]));
    list.push(extension(0, withLength(2, ...names)));
  }
  if (options.alpn !== undefined) {
    list.push(extension(16, withLength(2, ...options.alpn.map((name) => withLength(1, Buffer.from(name))))));
  }
  for (const [type, data] of options.extra ?? []) list.push(extension(type, data));
  return list;
}

export function extension(type: number, data: Buffer): Buffer {
  return Buffer.concat([u16(type), withLength(2, data)]);
}

function withLength(size: 1 | 2 | 3, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  const length = Buffer.alloc(size);
  length.writeUIntBE(content.length, 0, size);
  return Buffer.concat([length, content]);
}

function u16(value: number): Buffer {
  return Buffer.from([value >> 8, value & 255]);
}
