import { type Address, parseCidr } from "../../src/identity/address.ts";

/** What a record may hold here. */
export type Written = string | number | boolean | readonly Written[] | { readonly [key: string]: Written };

export interface MmdbOptions {
  readonly recordSize?: 24 | 28 | 32;
  readonly ipVersion?: 4 | 6;
  /** The IPv4 part again under ::ffff:0:0/96 and 2002::/16, as MaxMind's own files have it. */
  readonly aliases?: boolean;
  readonly metadata?: Readonly<Record<string, Written>>;
}

type Node = [left: Node | number | undefined, right: Node | number | undefined];

/** Bytes of a MaxMind DB with a record for each CIDR block; blocks must not overlap. Equal records are stored once. */
export function writeMmdb(
  networks: readonly (readonly [cidr: string, record: Written])[],
  options: MmdbOptions = {},
): Buffer {
  const { recordSize = 24, ipVersion = 6, aliases = false } = options;
  const root: Node = [undefined, undefined];
  const data: Buffer[] = [];
  const offsets = new Map<string, number>();
  let dataBytes = 0;
  for (const [cidr, record] of networks) {
    const text = JSON.stringify(record);
    if (!offsets.has(text)) {
      offsets.set(text, dataBytes);
      data.push(encode(record));
      dataBytes += data.at(-1)!.length;
    }
    insert(root, bitsOf(cidr, ipVersion), offsets.get(text)!);
  }
  if (aliases) {
    const zeros = "0".repeat(96);
    const v4 = nodeAt(root, zeros);
    setNode(root, `${"0".repeat(80)}${"1".repeat(16)}`, v4);
    setNode(root, "0010000000000010", v4);
  }
  const order = new Map<Node, number>();
  const number = (node: Node): void => {
    if (order.has(node)) return;
    order.set(node, order.size);
    for (const side of node) if (Array.isArray(side)) number(side);
  };
  number(root);
  const count = order.size;
  const tree = Buffer.alloc((count * recordSize) / 4);
  for (const [node, index] of order) {
    const [left, right] = node.map((side) =>
      side === undefined ? count : Array.isArray(side) ? order.get(side)! : count + 16 + side,
    ) as [number, number];
    writeNode(tree, (index * recordSize) / 4, recordSize, left, right);
  }
  const metadata = encode({
    binary_format_major_version: 2,
    binary_format_minor_version: 0,
    build_epoch: 1_700_000_000,
    database_type: "Test",
    ip_version: ipVersion,
    node_count: count,
    record_size: recordSize,
    ...options.metadata,
  });
  return Buffer.concat([
    tree,
    Buffer.alloc(16),
    ...data,
    Buffer.from("\xab\xcd\xefMaxMind.com", "latin1"),
    metadata,
  ]);
}

function writeNode(tree: Buffer, at: number, size: number, left: number, right: number): void {
  if (size === 28) {
    tree.writeUIntBE(left % 2 ** 24, at, 3);
    tree[at + 3] = Math.floor(left / 2 ** 24) * 16 + Math.floor(right / 2 ** 24);
    tree.writeUIntBE(right % 2 ** 24, at + 4, 3);
    return;
  }
  tree.writeUIntBE(left, at, size / 8);
  tree.writeUIntBE(right, at + size / 8, size / 8);
}

function insert(root: Node, bits: string, offset: number): void {
  const last = bits.length - 1;
  nodeAt(root, bits.slice(0, last))[Number(bits[last]) as 0 | 1] = offset;
}

function nodeAt(root: Node, bits: string): Node {
  let node = root;
  for (const bit of bits) {
    const side = Number(bit) as 0 | 1;
    const next = node[side];
    if (typeof next === "number") throw new Error("blocks overlap");
    node = node[side] = next ?? [undefined, undefined];
  }
  return node;
}

function setNode(root: Node, bits: string, target: Node): void {
  nodeAt(root, bits.slice(0, -1))[Number(bits.at(-1)) as 0 | 1] = target;
}

/** The network's bits; IPv4 under ::/96 in a tree of IPv6. */
function bitsOf(cidr: string, ipVersion: 4 | 6): string {
  const block = parseCidr(cidr)!;
  const first = binary(block.first);
  const last = binary(block.last);
  let length = 0;
  while (length < 128 && first[length] === last[length]) length++;
  return first.slice(ipVersion === 4 ? 96 : 0, length);
}

function binary({ w0, w1, w2, w3 }: Address): string {
  return [w0, w1, w2, w3].map((word) => word.toString(2).padStart(32, "0")).join("");
}

function encode(value: Written): Buffer {
  if (typeof value === "string")
    return Buffer.concat([head(2, Buffer.byteLength(value)), Buffer.from(value)]);
  if (typeof value === "boolean") return head(14, value ? 1 : 0);
  if (typeof value === "number") {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(value);
    const start = bytes.findIndex((byte) => byte !== 0);
    const short = start < 0 ? Buffer.alloc(0) : bytes.subarray(start);
    return Buffer.concat([head(6, short.length), short]);
  }
  if (Array.isArray(value)) return Buffer.concat([head(11, value.length), ...value.map(encode)]);
  const entries = Object.entries(value);
  return Buffer.concat([
    head(7, entries.length),
    ...entries.flatMap(([key, one]) => [encode(key), encode(one)]),
  ]);
}

function head(type: number, size: number): Buffer {
  const low = size < 29 ? size : size < 285 ? 29 : 30;
  const more = low === 29 ? [size - 29] : low === 30 ? [(size - 285) >> 8, (size - 285) & 255] : [];
  return Buffer.from(type <= 7 ? [(type << 5) | low, ...more] : [low, type - 7, ...more]);
}
