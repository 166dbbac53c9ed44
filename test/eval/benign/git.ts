import { deflateSync } from "node:zlib";
import type { Draw } from "./draw.ts";
import { get, type Header, json, send, type Template, texts } from "./template.ts";

const agent: Header = ["User-Agent", "git/2.43.0"];
const code = texts("code");

/** Git over HTTP, large files, and the API calls its tools make. */
export const git: readonly Template[] = [
  {
    name: "info-refs",
    make: (d) =>
      get(
        `/${d.pick(["acme", "o-brien", "~bob"])}/web.git/info/refs?service=git-${d.turn(["upload", "receive"])}-pack`,
        [agent, ["Git-Protocol", "version=2"], ["Pragma", "no-cache"]],
      ),
  },
  {
    name: "upload-pack",
    make: (d) => {
      const lines = [
        "command=ls-refs\n",
        "agent=git/2.43.0",
        "object-format=sha1",
        "0001",
        "peel\n",
        "symrefs\n",
        "ref-prefix refs/heads/feature/select-'all'\n",
        "ref-prefix HEAD\n",
        ...Array.from(
          { length: d.int(1, 30) },
          () => `want ${d.hex(40)} multi_ack_detailed no-done side-band-64k\n`,
        ),
      ];
      return send(
        "POST",
        "/acme/web.git/git-upload-pack",
        "application/x-git-upload-pack-request",
        `${lines.map(packetLine).join("")}00000009done\n`,
        [agent, ["Accept", "application/x-git-upload-pack-result"]],
      );
    },
  },
  {
    name: "receive-pack",
    make: (d) => {
      const line = `${d.hex(40)} ${d.hex(40)} refs/heads/fix/o'brien-#${d.digits(3)}\0 report-status-v2 side-band-64k object-format=sha1 agent=git/2.43.0`;
      return send(
        "POST",
        "/acme/web.git/git-receive-pack",
        "application/x-git-receive-pack-request",
        Buffer.concat([Buffer.from(`${packetLine(line)}0000`), pack(d)]),
        [agent],
      );
    },
  },
  {
    name: "lfs-batch",
    make: (d) =>
      send(
        "POST",
        "/acme/web.git/info/lfs/objects/batch",
        "application/vnd.git-lfs+json; charset=utf-8",
        JSON.stringify({
          operation: d.pick(["download", "upload"]),
          objects: [{ oid: d.hex(64), size: d.int(1, 1e9) }],
          transfers: ["lfs-standalone-file", "basic", "ssh"],
          ref: { name: "refs/heads/main" },
          hash_algo: "sha256",
        }),
        [
          ["Accept", "application/vnd.git-lfs+json"],
          ["User-Agent", "git-lfs/3.4.1 (GitHub; linux amd64; go 1.21.5)"],
        ],
      ),
  },
  {
    name: "lfs-object",
    make: (d) =>
      send("PUT", `/acme/web.git/info/lfs/objects/${d.hex(64)}`, "application/octet-stream", d.bytes(3000), [
        ["Authorization", `RemoteAuth ${d.base64url(90)}`],
      ]),
  },
  {
    name: "raw-file",
    make: (d) =>
      get(
        `/acme/web/raw/${d.pick(["main", d.hex(40), "feature/it's-done"])}/${d.turn(["src/index.php", ".github/workflows/ci.yml", "docs/C%23%20%26%20F%23.md", "etc/default/app.conf", "bin/run.sh", "test/fixtures/passwd.txt"])}?raw=true`,
      ),
  },
  {
    name: "compare-page",
    make: (d) =>
      get(
        `/acme/web/compare/v1.${d.int(0, 9)}.0...o'brien:feature%2Fselect-from?expand=1&w=1#diff-${d.hex(64)}`.split(
          "#",
        )[0]!,
      ),
  },
  {
    name: "blob-api",
    make: (d) =>
      json("PUT", `/api/v4/projects/42/repository/files/src%2Flib%2Fdb%2Ejs?ref=main`, {
        branch: "main",
        commit_message: "fix: don't concat SQL",
        encoding: "base64",
        content: Buffer.from(d.turn(code)).toString("base64"),
        last_commit_id: d.hex(40),
      }),
  },
  {
    name: "web-editor",
    make: (d) =>
      json("POST", "/acme/web/blob/edit", {
        path: d.pick(["src/app.js", "lib/db.py", "../docs/x.md".slice(3), "Makefile"]),
        content: d.turn(code),
        message: "Update file",
        authenticity_token: d.base64(64),
      }),
  },
];

/** pkt-line: length in hexadecimal, itself included. */
function packetLine(text: string): string {
  return text === "0001" ? text : `${(Buffer.byteLength(text) + 4).toString(16).padStart(4, "0")}${text}`;
}

/** A pack of one blob: header, deflated text, checksum. */
function pack(d: Draw): Buffer {
  const blob = Buffer.from(d.turn(code));
  const head = Buffer.from("PACK\0\0\0\x02\0\0\0\x01", "latin1");
  const size = Buffer.from([0xb0 | (blob.length & 15), (blob.length >> 4) & 127]);
  return Buffer.concat([head, size, deflateSync(blob), d.bytes(20)]);
}
