import type { Cidr } from "./address.ts";
import { MmdbData, type MmdbValue } from "./mmdb-data.ts";

/** A database of networks in the MaxMind DB format, version 2.0 (maxmind.github.io/MaxMind-DB). */
export interface Mmdb {
  /** What its maker calls it: `GeoLite2-Country`. */
  readonly type: string;
  /**
   * Networks whose record has one of the `wanted` labels, by label, in the order of their addresses. IPv4 networks are
   * IPv4, as everywhere. Text: what is wrong with the file.
   */
  collect(
    labelOf: (record: MmdbValue) => string | undefined,
    wanted: ReadonlySet<string>,
  ): ReadonlyMap<string, readonly Cidr[]> | string;
}

/** Networks taken from one database: several lists of large countries. */
const NETWORKS_MAX = 2_000_000;

/** Reads the metadata, and checks that tree and data are where it says. Text: what is wrong. */
export function openMmdb(bytes: Uint8Array): Mmdb | string {
  const start = metadataStart(bytes);
  if (start < 0) return "it is not a MaxMind DB file";
  const metadata = new MmdbData(bytes, start, bytes.length).read(0);
  if (!(metadata instanceof Map)) return "its metadata cannot be read";
  const number = (key: string): number => {
    const value = metadata.get(key);
    return typeof value === "number" ? value : -1;
  };
  const nodes = number("node_count");
  const bits = number("record_size");
  const version = number("ip_version");
  if (number("binary_format_major_version") !== 2) return "it is not of format version 2";
  if (![24, 28, 32].includes(bits) || ![4, 6].includes(version) || nodes < 1)
    return "its metadata is not valid";
  const treeBytes = (nodes * bits) / 4;
  if (treeBytes + SEPARATOR_BYTES > start - MARKER.length) return "it is cut short";
  const data = new MmdbData(bytes, treeBytes + SEPARATOR_BYTES, start - MARKER.length);
  const tree: Tree = { bytes, nodes, bits, version };
  return {
    type: String(metadata.get("database_type") ?? ""),
    collect: (labelOf, wanted) => collect(tree, data, labelOf, wanted),
  };
}

interface Tree {
  readonly bytes: Uint8Array;
  readonly nodes: number;
  /** Of a record; a node has two. */
  readonly bits: number;
  readonly version: number;
}

function collect(
  tree: Tree,
  data: MmdbData,
  labelOf: (record: MmdbValue) => string | undefined,
  wanted: ReadonlySet<string>,
): ReadonlyMap<string, readonly Cidr[]> | string {
  const { nodes } = tree;
  const found = new Map<string, Cidr[]>([...wanted].map((label) => [label, []]));
  /** Few records serve many networks. */
  const labels = new Map<number, Cidr[] | undefined>();
  const words = new Uint32Array(4);
  // The IPv4 part of an IPv6 tree is ::/96. Other places lead to it too (6to4, mapped): the same networks once more.
  const v4Root = tree.version === 6 ? findV4Root(tree) : -1;
  let visits = 0;
  let networks = 0;

  /** Undefined = all is well. */
  const visit = (node: number, depth: number): string | undefined => {
    // A tree leads to each node once, or a few times where its maker shared some. One with loops would never end.
    if (++visits > nodes * 4 || depth >= 128) return "its tree has loops";
    const word = depth >>> 5;
    const bit = (1 << (31 - (depth & 31))) >>> 0;
    for (let side = 0; side < 2; side++) {
      if (side === 1) words[word] = words[word]! | bit;
      const next = recordAt(tree, node, side);
      const problem =
        next < nodes ? follow(next, depth + 1) : next > nodes ? take(next - nodes, depth + 1) : undefined;
      if (problem !== undefined) return problem;
    }
    words[word] = words[word]! & ~bit;
    return undefined;
  };
  const follow = (node: number, depth: number): string | undefined =>
    node === v4Root && !(depth === 96 && isV4(words)) ? undefined : visit(node, depth);
  const take = (offset: number, depth: number): string | undefined => {
    const at = offset - SEPARATOR_BYTES;
    let blocks = labels.get(at);
    if (blocks === undefined && !labels.has(at)) {
      const record = at < 0 ? undefined : data.read(at);
      if (record === undefined) return "a record cannot be read";
      const label = labelOf(record);
      blocks = label === undefined ? undefined : found.get(label);
      labels.set(at, blocks);
    }
    if (blocks === undefined) return undefined;
    if (++networks > NETWORKS_MAX)
      return `it has more than ${NETWORKS_MAX.toLocaleString("en-US")} such networks`;
    blocks.push(blockOf(words, depth, tree.version));
    return undefined;
  };
  const problem = visit(0, tree.version === 4 ? 96 : 0);
  return problem ?? found;
}

/** The node that ::/96 leads to; -1 = none, for it is all one network, or the tree goes in circles. */
function findV4Root(tree: Tree): number {
  const path = new Set<number>();
  let node = 0;
  while (path.size < 96 && node < tree.nodes && !path.has(node)) {
    path.add(node);
    node = recordAt(tree, node, 0);
  }
  return path.size === 96 && node < tree.nodes && !path.has(node) ? node : -1;
}

function recordAt({ bytes, bits }: Tree, node: number, side: number): number {
  const at = (node * bits) / 4;
  if (bits === 24) return uint24(bytes, at + side * 3);
  if (bits === 32) return uint24(bytes, at + side * 4) * 256 + bytes[at + side * 4 + 3]!;
  // 28 bits: the byte in the middle has four bits of each.
  return side === 0
    ? uint24(bytes, at) + (bytes[at + 3]! >>> 4) * 0x1000000
    : uint24(bytes, at + 4) + (bytes[at + 3]! & 15) * 0x1000000;
}

function uint24(bytes: Uint8Array, at: number): number {
  return bytes[at]! * 65536 + bytes[at + 1]! * 256 + bytes[at + 2]!;
}

/** The network of the first `depth` bits. */
function blockOf(words: Uint32Array, depth: number, version: number): Cidr {
  const v4 = version === 4 || (depth >= 96 && isV4(words));
  const [w0, w1, w2, w3] = words as unknown as readonly [number, number, number, number];
  const host = (index: number): number => {
    const left = depth - 32 * index;
    return left <= 0 ? 0xffffffff : left >= 32 ? 0 : 0xffffffff >>> left;
  };
  return {
    first: { v4, w0, w1, w2, w3 },
    last: {
      v4,
      w0: (w0 | host(0)) >>> 0,
      w1: (w1 | host(1)) >>> 0,
      w2: (w2 | host(2)) >>> 0,
      w3: (w3 | host(3)) >>> 0,
    },
  };
}

function isV4(words: Uint32Array): boolean {
  return words[0] === 0 && words[1] === 0 && words[2] === 0;
}

/** Where the metadata begins: behind the last marker. -1 = there is none. */
function metadataStart(bytes: Uint8Array): number {
  const from = Math.max(0, bytes.length - METADATA_BYTES_MAX);
  const at = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).lastIndexOf(MARKER);
  return at < from ? -1 : at + MARKER.length;
}

const MARKER = Buffer.from("\xab\xcd\xefMaxMind.com", "latin1");
const METADATA_BYTES_MAX = 131_072;
/** Zero bytes between tree and data. */
const SEPARATOR_BYTES = 16;
