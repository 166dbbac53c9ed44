import { mkdirSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { getSmall, type Traffic } from "./traffic.ts";

/** Files that candidates serve themselves: a small one, and one that is longer than any buffer. */

const smallBytes = 1000;
const largeBytes = 1_000_000;

export const getSmallFile: Traffic = {
  ...getSmall,
  target: "/files/page.html?v=20240611",
  answerBytes: smallBytes,
};

export const getLargeFile: Traffic = {
  ...getSmall,
  target: "/files/picture.jpg",
  answerBytes: largeBytes,
};

export function fileContent(bytes: number): Buffer {
  return Buffer.alloc(bytes, "0123456789abcdef");
}

/** Writes them below `directory`; the directory to be served. */
export function writeFiles(directory: string): string {
  const root = join(directory, "www");
  mkdirSync(join(root, "files"), { recursive: true });
  for (const [name, bytes] of [
    ["page.html", smallBytes],
    ["picture.jpg", largeBytes],
  ] as const) {
    const file = join(root, "files", name);
    writeFileSync(file, fileContent(bytes));
    // As files are that nobody just changed.
    utimesSync(file, 1_700_000_000, 1_700_000_000);
  }
  return root;
}
