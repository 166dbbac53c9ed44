import { type Address, type Cidr, parseAddress, parseCidr } from "./address.ts";

/** Entries of one list. */
export const LIST_ENTRIES_MAX = 500_000;
/** Bytes of one list file: the entries, with comments behind them. */
export const LIST_BYTES_MAX = 33_554_432;

/** What is wrong with a list file, and where. */
export interface ListProblem {
  /** From 1. */
  readonly line: number;
  readonly problem: string;
}

/**
 * Reads a list: one address or CIDR block a line, `#` or `;` begins a comment. One line that cannot be read refuses the
 * whole file: half a list of whom to keep out looks like a list.
 */
export function readAddressList(text: string): readonly Cidr[] | ListProblem {
  const blocks: Cidr[] = [];
  let line = 0;
  for (let start = 0; start < text.length; ) {
    const newline = text.indexOf("\n", start);
    const end = newline < 0 ? text.length : newline;
    const entry = withoutComment(text.slice(start, end));
    start = end + 1;
    line++;
    if (entry === "") continue;
    const block = parseCidr(entry);
    if (block === undefined) return { line, problem: "not an address or CIDR block" };
    if (hasHostBits(entry, block.first)) return { line, problem: "host bits are set" };
    if (blocks.length === LIST_ENTRIES_MAX)
      return { line, problem: `more than ${LIST_ENTRIES_MAX.toLocaleString("en-US")} entries` };
    blocks.push(block);
  }
  return blocks;
}

export function isListProblem(reading: readonly Cidr[] | ListProblem): reading is ListProblem {
  return "problem" in reading;
}

function withoutComment(line: string): string {
  const mark = line.search(/[#;]/);
  return (mark < 0 ? line : line.slice(0, mark)).trim();
}

function hasHostBits(entry: string, first: Address): boolean {
  const slash = entry.indexOf("/");
  if (slash < 0) return false;
  const address = parseAddress(entry.slice(0, slash))!;
  return (
    address.w3 !== first.w3 || address.w2 !== first.w2 || address.w1 !== first.w1 || address.w0 !== first.w0
  );
}
