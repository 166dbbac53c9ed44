/**
 * Who the client is, for what a peer says (reliability.md C23, HD36 to HD38). Trusted proxies: 10.0.0.0/8 and
 * 2001:db8:ffff::/48.
 */
export interface SpoofCase {
  readonly title: string;
  /** The TCP peer. */
  readonly peer: string;
  /** X-Forwarded-For lines in wire order. */
  readonly lines: readonly string[];
  readonly client: string;
  readonly malformed?: true;
}

const lb = "10.0.0.1";

export const spoofMatrix: readonly SpoofCase[] = [
  { title: "an untrusted peer without a chain", peer: "203.0.113.9", lines: [], client: "203.0.113.9" },
  {
    title: "an untrusted peer that claims loopback",
    peer: "203.0.113.9",
    lines: ["127.0.0.1"],
    client: "203.0.113.9",
  },
  {
    title: "an untrusted peer that claims a proxy",
    peer: "203.0.113.9",
    lines: ["1.1.1.1, 10.0.0.1"],
    client: "203.0.113.9",
  },
  {
    title: "an untrusted peer with nonsense",
    peer: "203.0.113.9",
    lines: ["unknown", ",,,", "x".repeat(999)],
    client: "203.0.113.9",
  },
  { title: "a proxy without a chain", peer: lb, lines: [], client: lb },
  { title: "a proxy with one hop", peer: lb, lines: ["198.51.100.7"], client: "198.51.100.7" },
  {
    title: "a client that forged a hop before its proxy's",
    peer: lb,
    lines: ["127.0.0.1, 198.51.100.7"],
    client: "198.51.100.7",
  },
  {
    title: "a client that forged a trusted hop",
    peer: lb,
    lines: ["10.9.9.9, 198.51.100.7"],
    client: "198.51.100.7",
  },
  {
    title: "a forged line before the proxy's own line",
    peer: lb,
    lines: ["127.0.0.1", "198.51.100.7"],
    client: "198.51.100.7",
  },
  {
    title: "a chain over two trusted proxies",
    peer: lb,
    lines: ["1.1.1.1, 198.51.100.7, 10.0.0.2,10.0.0.3"],
    client: "198.51.100.7",
  },
  {
    title: "a chain over two lines",
    peer: lb,
    lines: ["1.1.1.1,198.51.100.7", "10.0.0.2\t,\t10.0.0.3"],
    client: "198.51.100.7",
  },
  {
    title: "a chain of trusted hops only",
    peer: lb,
    lines: ["10.0.0.4, 10.0.0.3", "10.0.0.2"],
    client: "10.0.0.4",
  },
  {
    title: "nonsense that a client put before its proxy's hop",
    peer: lb,
    lines: ['unknown, , "x", 198.51.100.7'],
    client: "198.51.100.7",
  },
  {
    title: "5,000 hops that a client put before its proxy's",
    peer: lb,
    lines: [`${"10.0.0.9,".repeat(5_000)}198.51.100.7`],
    client: "198.51.100.7",
  },
  { title: "32 trusted hops", peer: lb, lines: [`10.3.2.1${",10.0.0.9".repeat(31)}`], client: "10.3.2.1" },
  {
    title: "33 hops to the client",
    peer: lb,
    lines: [`198.51.100.7${",10.0.0.9".repeat(32)}`],
    client: lb,
    malformed: true,
  },
  {
    title: "`unknown` from the proxy",
    peer: lb,
    lines: ["198.51.100.7, unknown"],
    client: lb,
    malformed: true,
  },
  { title: "an empty hop on the way", peer: lb, lines: ["1.1.1.1, ,10.0.0.2"], client: lb, malformed: true },
  { title: "an empty line on the way", peer: lb, lines: ["198.51.100.7", ""], client: lb, malformed: true },
  { title: "a trailing comma", peer: lb, lines: ["198.51.100.7,"], client: lb, malformed: true },
  {
    title: "an address that parsers read differently",
    peer: lb,
    lines: ["010.0.0.2"],
    client: lb,
    malformed: true,
  },
  { title: "a zone and a port", peer: lb, lines: ["[fe80::1%eth0]:80"], client: lb, malformed: true },
  { title: "an IPv4 hop with a port", peer: lb, lines: ["198.51.100.7:51234"], client: "198.51.100.7" },
  {
    title: "IPv6 hops with and without brackets and port",
    peer: "2001:db8:ffff::1",
    lines: ["[2001:DB8::7]:443, [2001:db8:ffff::2], 2001:db8:ffff::3"],
    client: "2001:db8::7",
  },
  {
    title: "an IPv4-mapped peer and hop",
    peer: "::ffff:10.0.0.1",
    lines: ["::ffff:198.51.100.7"],
    client: "198.51.100.7",
  },
  { title: "a port out of range", peer: lb, lines: ["198.51.100.7:65536"], client: lb, malformed: true },
  { title: "a name for a hop", peer: lb, lines: ["localhost"], client: lb, malformed: true },
  { title: "brackets around IPv4", peer: lb, lines: ["[198.51.100.7]"], client: lb, malformed: true },
];
