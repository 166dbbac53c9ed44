import {
  createHash,
  createPrivateKey,
  createPublicKey,
  hkdfSync,
  type KeyObject,
  sign,
  verify,
} from "node:crypto";

/** Ed25519 signatures in notes (C2SP signed-note), and timestamped ones of witnesses (tlog-cosignature). */
const ED25519 = 0x01;
const COSIGNATURE = 0x04;
type Algorithm = typeof ED25519 | typeof COSIGNATURE;

export interface Signer {
  readonly name: string;
  /** Verifier key as C2SP writes it: name+id+base64. */
  readonly vkey: string;
  /** 32 bytes. */
  readonly publicKey: Buffer;
  /** The signature line for a note's text, with its line end. */
  sign(text: string): string;
}

/** A key that signs checkpoints. */
export function noteSigner(name: string, key: KeyObject): Signer {
  const publicKey = rawPublicKey(createPublicKey(key));
  const id = noteKeyId(name, ED25519, publicKey);
  return {
    name,
    vkey: vkeyText(name, ED25519, publicKey),
    publicKey,
    sign: (text) =>
      `— ${name} ${Buffer.concat([id, sign(null, Buffer.from(text), key)]).toString("base64")}\n`,
  };
}

/** A witness's key: its signature says when it saw the checkpoint. */
export function cosigner(name: string, key: KeyObject, wallMs: () => number): Signer {
  const publicKey = rawPublicKey(createPublicKey(key));
  const id = noteKeyId(name, COSIGNATURE, publicKey);
  return {
    name,
    vkey: vkeyText(name, COSIGNATURE, publicKey),
    publicKey,
    sign(text) {
      const seconds = Math.floor(wallMs() / 1000);
      const time = Buffer.alloc(8);
      time.writeBigUInt64BE(BigInt(seconds));
      const signature = sign(null, cosignedBytes(seconds, text), key);
      return `— ${name} ${Buffer.concat([id, time, signature]).toString("base64")}\n`;
    },
  };
}

export interface Verifier {
  readonly name: string;
  readonly vkey: string;
  readonly algorithm: Algorithm;
  readonly id: Buffer;
  /** 32 bytes. */
  readonly publicKey: Buffer;
  readonly key: KeyObject;
}

/** Reads a verifier key; a text says what is wrong with it. */
export function readVkey(vkey: string): Verifier | string {
  const match = /^([^+\s]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)$/.exec(vkey);
  if (match === null) return "it is not NAME+ID+KEY";
  const [, name, id, encoded] = match as unknown as [string, string, string, string];
  const bytes = Buffer.from(encoded, "base64");
  const algorithm = bytes[0];
  if (bytes.length !== 33 || (algorithm !== ED25519 && algorithm !== COSIGNATURE))
    return "it is not an Ed25519 key";
  const publicKey = bytes.subarray(1);
  const expected = noteKeyId(name, algorithm, publicKey);
  if (expected.toString("hex") !== id) return "its id is not that of the key";
  return { name, vkey, algorithm, id: expected, publicKey, key: publicKeyFrom(publicKey) };
}

/** A note as it was signed. */
export interface OpenedNote {
  readonly text: string;
  /** Keys of those asked for that signed it. */
  readonly signedBy: readonly Verifier[];
  /** Milliseconds since the epoch of the newest cosignature; 0 = none. */
  readonly cosignedMs: number;
}

/**
 * Reads a note and checks its signatures. Signatures of unknown keys are passed over; a bad signature of a known key
 * refuses the note, and so does a form that is not that of the specification. A text says why.
 */
export function openNote(note: string, verifiers: readonly Verifier[]): OpenedNote | string {
  if (note.length > NOTE_BYTES_MAX) return "it is too long";
  if (NOT_TEXT.test(note)) return "it holds control characters";
  const cut = note.lastIndexOf("\n\n");
  if (cut < 0 || !note.endsWith("\n")) return "it has no signatures";
  const text = note.slice(0, cut + 1);
  const lines = note.slice(cut + 2, -1).split("\n");
  if (lines.length > SIGNATURES_MAX) return "it has too many signatures";
  const signedBy: Verifier[] = [];
  let cosignedMs = 0;
  for (const line of lines) {
    const match = /^— ([^+\s]+) ([A-Za-z0-9+/]+={0,2})$/.exec(line);
    const bytes = match === null ? undefined : Buffer.from(match[2]!, "base64");
    if (match === null || bytes === undefined || bytes.length < 5 || bytes.toString("base64") !== match[2])
      return "a signature line is malformed";
    const id = bytes.subarray(0, 4);
    const known = verifiers.find(({ name, id: own }) => name === match[1] && own.equals(id));
    if (known === undefined || signedBy.includes(known)) continue;
    const signature = bytes.subarray(4);
    if (known.algorithm === ED25519) {
      if (!isSignature(known, Buffer.from(text), signature)) return `the signature of ${known.name} is wrong`;
    } else {
      if (signature.length !== 8 + 64) return `the signature of ${known.name} is wrong`;
      const seconds = Number(signature.readBigUInt64BE());
      if (!isSignature(known, cosignedBytes(seconds, text), signature.subarray(8)))
        return `the signature of ${known.name} is wrong`;
      cosignedMs = Math.max(cosignedMs, seconds * 1000);
    }
    signedBy.push(known);
  }
  return { text, signedBy, cosignedMs };
}

/** Notes that stand one after another in a file. What is cut off at the end is left out. */
export function splitNotes(file: string): string[] {
  const notes: string[] = [];
  let start = 0;
  for (;;) {
    const cut = file.indexOf("\n\n", start);
    if (cut < 0) return notes;
    let end = cut + 2;
    while (file.startsWith("— ", end)) {
      const lineEnd = file.indexOf("\n", end);
      if (lineEnd < 0) return notes;
      end = lineEnd + 1;
    }
    notes.push(file.slice(start, end));
    start = end;
  }
}

/** An Ed25519 key from a secret that has other uses. `context` keeps the uses apart. */
export function derivedSigningKey(secret: KeyObject, context: string): KeyObject {
  const seed = Buffer.from(hkdfSync("sha256", secret, Buffer.from(context), "ed25519", 32));
  const der = Buffer.concat([PKCS8_HEAD, seed]);
  seed.fill(0);
  const key = createPrivateKey({ key: der, format: "der", type: "pkcs8" });
  der.fill(0);
  return key;
}

/** RFC 8410: an Ed25519 private key is this and its 32 bytes; a public key likewise. */
const PKCS8_HEAD = Buffer.from("302e020100300506032b657004220420", "hex");
const SPKI_HEAD = Buffer.from("302a300506032b6570032100", "hex");
const NOTE_BYTES_MAX = 1_000_000;
const SIGNATURES_MAX = 100;
const NOT_TEXT = /[^\n\x20-\x7e\u00a0-\uffff]/;

function noteKeyId(name: string, algorithm: Algorithm, publicKey: Buffer): Buffer {
  return createHash("sha256")
    .update(`${name}\n`)
    .update(Buffer.of(algorithm))
    .update(publicKey)
    .digest()
    .subarray(0, 4);
}

function vkeyText(name: string, algorithm: Algorithm, publicKey: Buffer): string {
  const id = noteKeyId(name, algorithm, publicKey).toString("hex");
  return `${name}+${id}+${Buffer.concat([Buffer.of(algorithm), publicKey]).toString("base64")}`;
}

function rawPublicKey(key: KeyObject): Buffer {
  return key.export({ format: "der", type: "spki" }).subarray(SPKI_HEAD.length);
}

function publicKeyFrom(raw: Buffer): KeyObject {
  return createPublicKey({ key: Buffer.concat([SPKI_HEAD, raw]), format: "der", type: "spki" });
}

function cosignedBytes(seconds: number, text: string): Buffer {
  return Buffer.from(`cosignature/v1\ntime ${seconds}\n${text}`);
}

function isSignature(verifier: Verifier, message: Buffer, signature: Buffer): boolean {
  return signature.length === 64 && verify(null, message, verifier.key, signature);
}
