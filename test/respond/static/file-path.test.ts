import assert from "node:assert/strict";
import { test } from "node:test";
import { readFilePath } from "../../../src/respond/static/file-path.ts";

test("a path is read as names, percent-decoded once", () => {
  const cases: readonly (readonly [path: string, relative: string, isDirectory: boolean])[] = [
    ["/", "", true],
    ["/a", "a", false],
    ["/a/b.txt", "a/b.txt", false],
    ["/a/", "a", true],
    ["/a%20b", "a b", false],
    ["/%C3%A9", "é", false],
    // Decomposed: another name, and no other one is looked for.
    ["/e%CC%81", "e\u0301", false],
    ["/A", "A", false],
    ["/100%25", "100%", false],
    // Decoded once: it names a file with a percent sign.
    ["/%252e%252e", "%2e%2e", false],
    ["/a;b=1", "a;b=1", false],
    ["/a:b", "a:b", false],
    ["/.well-known/security.txt", ".well-known/security.txt", false],
    ["/a..b", "a..b", false],
  ];
  for (const [path, relative, isDirectory] of cases)
    assert.deepEqual(readFilePath(path), { relative, isDirectory }, path);
});

test("hidden names, and names that no file has, are none", () => {
  for (const path of [
    "",
    "a",
    "*",
    "//",
    "/a//b",
    "/.",
    "/..",
    "/../etc/passwd",
    "/a/../../b",
    "/.git/config",
    "/a/.env",
    "/.well-known/.hidden",
    "/.well-knownx",
    "/a%2Fb",
    "/..%2F..%2Fetc/passwd",
    "/a%5Cb",
    "/..%5C..%5Cwin.ini",
    "/a%00.txt",
    "/a%09b",
    "/a%7F",
    "/%FF",
    "/%ED%A0%80",
    "/%C0%AE%C0%AE/etc/passwd",
    "/%2e%2e/etc/passwd",
    "/%",
    `/${"a".repeat(256)}`,
    `/${"%C3%A9".repeat(128)}`,
    `/${"a/".repeat(2000)}`,
  ])
    assert.equal(readFilePath(path), undefined, path);
});
