import { randomBytes } from "node:crypto";
import type { TlsFailure } from "../../src/listener/tls-failure.ts";
import { clientHello, extension, record } from "./tls-hello.ts";

/** One thing that a client may do instead of a handshake, and what must come of it. */
export interface BadHello {
  readonly name: string;
  /** Written in order, each as a segment of its own. */
  readonly segments: readonly Buffer[];
  /** What the client does then: wait for the server to close, send FIN, or reset. */
  readonly afterwards: "wait" | "end" | "reset";
  /** TLS alert that must come back; undefined = the connection just closes. */
  readonly alert: number | undefined;
  readonly failure: TlsFailure;
}

const good = clientHello();
const ciphers12 = [0xc02b, 0xc02f, 0x009c, 0x002f, 0x000a, 0x00ff];

/** TL1, TL2, TL4, TL5, TL7, TL8 of reliability.md §2.10. Made anew by each call: parts are random. */
export function badHellos(): readonly BadHello[] {
  return [
    bad("SSL 2.0 hello", ssl2Hello(), 70, "tls_version"),
    bad("SSL 3.0 hello", old(0x0300), 40, "tls_version"),
    bad("TLS 1.0 hello", old(0x0301), 70, "tls_version"),
    bad("TLS 1.1 hello", old(0x0302), 70, "tls_version"),
    bad("TLS 1.2 hello", old(0x0303), 70, "tls_version"),
    bad("supported_versions without 1.3", clientHello({ supported: [0x0303, 0x0302] }), 70, "tls_version"),
    bad(
      "supported_versions from the future",
      clientHello({ supported: [0x7f1c, 0x0305] }),
      70,
      "tls_version",
    ),
    bad("plain HTTP", Buffer.from("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), undefined, "plain_http"),
    bad("CONNECT to a proxy", Buffer.from("CONNECT a:443 HTTP/1.1\r\n\r\n"), undefined, "plain_http"),
    bad("PROXY protocol line", Buffer.from("PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n"), undefined, "other"),
    bad("SSH banner", Buffer.from("SSH-2.0-OpenSSH_9.2\r\n"), undefined, "other"),
    // The third byte is none of an SSL 2.0 hello.
    bad(
      "random bytes",
      Buffer.concat([Buffer.from([0xee, 0xff, 0xff]), randomBytes(297)]),
      undefined,
      "other",
    ),
    bad("an application data record", record(0x17, 0x0303, randomBytes(64)), 10, "other"),
    bad(
      "a handshake record of another type",
      record(0x16, 0x0301, Buffer.from([2, 0, 0, 2, 3, 3])),
      10,
      "other",
    ),
    bad("a hello whose length lies", lying(), 50, "other"),
    bad(
      "a hello over 16 MiB by its own word",
      record(0x16, 0x0301, Buffer.from([1, 255, 255, 255])),
      47,
      "other",
    ),
    bad("no shared cipher", clientHello({ ciphers: [0x1304, 0x1305] }), 40, "no_shared_cipher"),
    bad("no shared group", clientHello({ groups: [0x0019] }), 40, "no_shared_cipher"),
    bad("no shared signature algorithm", clientHello({ signatures: [0x0807] }), 40, "no_shared_cipher"),
    bad("ALPN of another world", clientHello({ alpn: ["spdy/3"] }), 120, "alpn"),
    bad("100 unknown protocols", clientHello({ alpn: protocols(100) }), 120, "alpn"),
    bad("empty ALPN name", clientHello({ alpn: [""] }), 50, "other"),
    bad("NUL in SNI", clientHello({ serverNames: [Buffer.from("a.example\0.b")] }), 112, "other"),
    bad("256 characters of SNI", clientHello({ serverNames: [Buffer.alloc(256, "a")] }), 112, "other"),
    bad("two SNI names", clientHello({ serverNames: [Buffer.from("a"), Buffer.from("b")] }), 50, "other"),
    bad("the same extension twice", clientHello({ extra: twice(5) }), 47, "other"),
    // Its alert (bad_record_mac) is encrypted.
    bad(
      "garbage after the hello",
      Buffer.concat([good, record(0x17, 0x0303, randomBytes(80))]),
      undefined,
      "other",
    ),
    bad("0 bytes, then FIN", Buffer.alloc(0), undefined, "reset", "end"),
    bad("0 bytes, then RST", Buffer.alloc(0), undefined, "reset", "reset"),
    bad("half a hello, then FIN", good.subarray(0, 60), undefined, "reset", "end"),
    bad("half a hello, then RST", good.subarray(0, 60), undefined, "reset", "reset"),
    bad("a whole hello, then FIN", clientHello(), undefined, "reset", "end"),
    bad("a whole hello, then RST", clientHello(), undefined, "reset", "reset"),
  ];
}

function bad(
  name: string,
  bytes: Buffer,
  alert: number | undefined,
  failure: TlsFailure,
  afterwards: BadHello["afterwards"] = "wait",
): BadHello {
  return { name, segments: bytes.length === 0 ? [] : [bytes], afterwards, alert, failure };
}

function old(version: number): Buffer {
  return clientHello({ version, supported: [], ciphers: ciphers12 });
}

/** Version 2 record, 3 cipher specs, no session, 16 bytes of challenge. */
function ssl2Hello(): Buffer {
  const body = Buffer.concat([
    Buffer.from("010002000900000010" + "010080" + "0700c0" + "050080", "hex"),
    randomBytes(16),
  ]);
  return Buffer.concat([Buffer.from([0x80, body.length]), body]);
}

/** The list of cipher suites is longer than the hello. */
function lying(): Buffer {
  const hello = Buffer.from(clientHello());
  hello.writeUInt16BE(0xfffe, 5 + 4 + 2 + 32 + 33);
  return hello;
}

function protocols(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `proto-${i}`);
}

function twice(type: number): [number, Buffer][] {
  return [
    [type, Buffer.from("a")],
    [type, extension(1, Buffer.from("b"))],
  ];
}
