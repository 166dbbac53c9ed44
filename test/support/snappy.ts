/** A piece of a snappy block: bytes as they are, or a copy of what came out `offset` bytes before. */
export type Piece = { readonly literal: Uint8Array } | { readonly offset: number; readonly length: number };

/** Puts bytes into one block of snappy, with copies where four bytes came before. */
export function snappySync(bytes: Uint8Array): Buffer {
  const pieces: Piece[] = [];
  const seen = new Map<number, number>();
  const four = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  let from = 0;
  const literal = (to: number): void => {
    if (to > from) pieces.push({ literal: bytes.subarray(from, to) });
  };
  for (let at = 0; at + 4 <= bytes.length; ) {
    const key = four.readUInt32LE(at);
    const before = seen.get(key);
    seen.set(key, at);
    if (before === undefined) {
      at++;
      continue;
    }
    let length = 4;
    while (at + length < bytes.length && bytes[before + length] === bytes[at + length]) length++;
    literal(at);
    pieces.push({ offset: at - before, length });
    at += length;
    from = at;
  }
  literal(bytes.length);
  return snappyBlock(bytes.length, pieces);
}

/** A block that says it has `length` bytes, and what `pieces` make; nothing of it need be right. */
export function snappyBlock(length: number, pieces: readonly Piece[]): Buffer {
  return Buffer.concat([varint(length), ...pieces.map(writePiece)]);
}

/** What `pieces` make. */
export function piecesSync(pieces: readonly Piece[]): Buffer {
  const out: number[] = [];
  for (const piece of pieces) {
    if ("literal" in piece) out.push(...piece.literal);
    else for (let left = piece.length; left > 0; left--) out.push(out[out.length - piece.offset]!);
  }
  return Buffer.from(out);
}

export function varint(value: number): Buffer {
  const out: number[] = [];
  for (; value >= 0x80; value = Math.floor(value / 0x80)) out.push((value % 0x80) + 0x80);
  return Buffer.from([...out, value]);
}

function writePiece(piece: Piece): Buffer {
  if (!("literal" in piece)) return Buffer.concat(copiesOf(piece.offset, piece.length));
  const { length } = piece.literal;
  if (length <= 60) return Buffer.concat([Buffer.from([(length - 1) << 2]), piece.literal]);
  const bytes = length <= 0x100 ? 1 : length <= 0x10000 ? 2 : 3;
  return Buffer.concat([Buffer.from([(59 + bytes) << 2]), number(length - 1, bytes), piece.literal]);
}

/** Copies of at most 64 bytes, in the shortest of the three forms. */
function copiesOf(offset: number, length: number): Buffer[] {
  const out: Buffer[] = [];
  while (length > 0) {
    const count = Math.min(64, length);
    length -= count;
    if (count >= 4 && count <= 11 && offset < 2048)
      out.push(Buffer.from([((offset >> 8) << 5) | ((count - 4) << 2) | 1, offset & 0xff]));
    else if (offset < 65_536)
      out.push(Buffer.concat([Buffer.from([((count - 1) << 2) | 2]), number(offset, 2)]));
    else out.push(Buffer.concat([Buffer.from([((count - 1) << 2) | 3]), number(offset, 4)]));
  }
  return out;
}

function number(value: number, bytes: number): Buffer {
  const out = Buffer.alloc(bytes);
  out.writeUIntLE(value, 0, bytes);
  return out;
}
