import { crc32, deflateRawSync, deflateSync, gzipSync } from "node:zlib";
import { navigation, scripted } from "./browser.ts";
import type { Draw } from "./draw.ts";
import { lines, multipart, send, type Template, texts } from "./template.ts";

const office = "application/vnd.openxmlformats-officedocument";
const fileTypes: Readonly<Record<string, readonly string[]>> = {
  "put-file": [
    `${office}.wordprocessingml.document`,
    `${office}.spreadsheetml.sheet`,
    `${office}.presentationml.presentation`,
    ..."text spreadsheet presentation".split(" ").map((kind) => `application/vnd.oasis.opendocument.${kind}`),
    ..."msword vnd.ms-excel vnd.ms-powerpoint vnd.ms-outlook epub+zip"
      .split(" ")
      .map((kind) => `application/${kind}`),
    "model/gltf-binary",
  ],
  "put-archive":
    "x-zip-compressed x-7z-compressed vnd.rar x-rar-compressed x-bzip2 x-xz zstd x-compressed-tar java-archive wasm x-rpm"
      .split(" ")
      .map((kind) => `application/${kind}`),
  "put-data": [
    "binary/octet-stream",
    ..."vnd.android.package-archive vnd.debian.binary-package vnd.apache.parquet vnd.sqlite3 dns-message x-pkcs12"
      .split(" ")
      .map((kind) => `application/${kind}`),
  ],
};

/** Files, by their own formats' rules. */
export const uploads: readonly Template[] = [
  {
    name: "png",
    make: (d) =>
      multipart(
        d,
        "/upload",
        [
          {
            name: "file",
            value: png(d),
            filename: "Bildschirmfoto 2025-03-04 um 10.12.33 (2).png",
            type: "image/png",
          },
          { name: "alt", value: 'It\'s "me" & <you>' },
        ],
        navigation(d),
      ),
  },
  {
    name: "jpeg",
    make: (d) =>
      multipart(
        d,
        "/upload",
        [{ name: "photo[]", value: jpeg(d), filename: "O'Brien's café – été.jpg", type: "image/jpeg" }],
        navigation(d),
      ),
  },
  ...["put-file", "put-archive", "put-data"].map(
    (name): Template => ({
      name,
      // As a page or a tool puts a file into a store: named by its type, and compressed inside.
      make: (d) =>
        send(
          "PUT",
          `/bucket/${d.token(12)}?uploadId=${d.base64url(24)}&partNumber=${d.int(1, 9)}`,
          d.turn(fileTypes[name]!),
          Buffer.concat([Buffer.from("PK\x03\x04\x14\x00\x06\x00"), d.bytes(20_000)]),
          scripted(d),
        ),
    }),
  ),
  {
    name: "jpeg-raw",
    make: (d) => send("PUT", `/files/IMG_${d.digits(8)}~2.jpg`, "image/jpeg", jpeg(d), scripted(d)),
  },
  {
    name: "pdf",
    make: (d) =>
      multipart(
        d,
        "/documents",
        [
          { name: "doc", value: pdf(d), filename: "Invoice #12; March.pdf", type: "application/pdf" },
          { name: "note", value: d.turn(texts("prose")) },
        ],
        navigation(d),
      ),
  },
  {
    name: "zip",
    make: (d) =>
      multipart(d, "/import", [
        { name: "archive", value: zip(d), filename: "backup (1).zip", type: "application/zip" },
      ]),
  },
  {
    name: "docx",
    make: (d) =>
      send(
        "PUT",
        "/dav/My%20Documents/Report%20(final).docx",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document+xml",
        `<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body><w:p><w:r><w:t>It's &amp; "x" ${d.int(1, 99)}</w:t></w:r></w:p></w:body></w:document>`,
      ),
  },
  {
    name: "gzip-raw",
    make: (d) =>
      send("POST", "/backup", "application/gzip", gzipSync(d.turn(texts("logs"))), [
        ["User-Agent", "restic/0.16.4 (linux/amd64)"],
      ]),
  },
  {
    name: "gzip-coded",
    make: (d) =>
      send(
        "POST",
        "/api/logs",
        "application/json",
        gzipSync(JSON.stringify({ lines: texts("logs").slice(d.round % 9, (d.round % 9) + 4) })),
        [["Content-Encoding", "gzip"]],
      ),
  },
  {
    name: "chunk-upload",
    make: (d) =>
      send("PATCH", `/files/${d.hex(32)}`, "application/offset+octet-stream", d.bytes(4096), [
        ["Tus-Resumable", "1.0.0"],
        ["Upload-Offset", "0"],
      ]),
  },
  {
    name: "s3-put",
    make: (d) =>
      send(
        "PUT",
        `/bucket/2025/03/04/${d.uuid()}.bin?partNumber=1&uploadId=${d.base64url(60)}`,
        "application/octet-stream",
        d.bytes(5000),
        [
          ["x-amz-content-sha256", "UNSIGNED-PAYLOAD"],
          [
            "Authorization",
            `AWS4-HMAC-SHA256 Credential=AKIA${d.token(16)}/20250304/eu/s3/aws4_request, SignedHeaders=host;x-amz-date, Signature=${d.hex(64)}`,
          ],
        ],
      ),
  },
  {
    name: "csv",
    make: (d) =>
      multipart(d, "/import/csv", [
        { name: "csv", value: csv(d), filename: "contacts-export;2025.csv", type: "text/csv" },
        { name: "delimiter", value: ";" },
        { name: "quote", value: '"' },
      ]),
  },
  {
    name: "csv-raw",
    make: (d) => send("POST", "/api/import?header=true&sep=%3B", "text/csv; charset=utf-8", csv(d)),
  },
  {
    name: "tsv",
    make: (d) =>
      send(
        "POST",
        "/api/import",
        "text/tab-separated-values",
        lines("names")
          .map((name, i) => `${i}\t${name}\t${lines("addresses")[(i + d.round) % 12]}`)
          .join("\n"),
      ),
  },
  {
    name: "svg",
    make: (d) =>
      multipart(d, "/icons", [
        {
          name: "icon",
          value: `<?xml version="1.0" encoding="UTF-8"?>\n<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 24 24" width="24" height="24"><defs><linearGradient id="g"><stop offset="0%" stop-color="#f60"/></linearGradient><style>.a{fill:url(#g);stroke:#000}</style></defs><title>It's a star &amp; more</title><path class="a" d="M12 ${d.int(1, 9)}l3.09 6.26L22 9.27l-5 4.87z"/><g transform="rotate(45 12 12) scale(.5)"><use xlink:href="#g"/><image href="data:image/png;base64,${d.base64(60)}" width="1" height="1"/></g></svg>`,
          filename: "star.svg",
          type: "image/svg+xml",
        },
      ]),
  },
  {
    name: "source-file",
    make: (d) =>
      multipart(
        d,
        "/gists",
        [
          {
            name: "files[]",
            value: d.turn(texts("code")),
            filename: d.turn([
              "app.py",
              "index.js",
              "Main.java",
              "query.sql",
              "style.css",
              "run.sh.txt",
              "a b (1).ts",
            ]),
            type: "text/plain",
          },
          { name: "description", value: "it's my code" },
        ],
        navigation(d),
      ),
  },
  {
    name: "source-octets",
    make: (d) =>
      multipart(d, "/artifacts", [
        {
          name: "artifact",
          value: texts("code")[(d.round + 20) % texts("code").length]!,
          filename: "src.tar",
          type: "application/octet-stream",
        },
      ]),
  },
  {
    name: "config-file",
    make: (d) =>
      multipart(d, "/configs", [
        {
          name: "file",
          value: d.turn(texts("config")),
          filename: d.turn([
            "deploy.yaml",
            "Dockerfile",
            "my.cnf",
            "nginx.conf",
            ".env.example",
            "Cargo.toml",
          ]),
          type: "application/x-yaml",
        },
      ]),
  },
  {
    name: "log-file",
    make: (d) =>
      multipart(
        d,
        "/support/tickets",
        [
          { name: "log", value: d.turn(texts("logs")), filename: "error.log", type: "text/x-log" },
          { name: "description", value: d.turn(texts("prose")) },
        ],
        navigation(d),
      ),
  },
  {
    name: "markdown-file",
    make: (d) => send("PUT", "/repos/a/b/contents/README.md", "text/markdown", d.turn(texts("markdown"))),
  },
  {
    name: "html-file",
    make: (d) =>
      multipart(d, "/newsletter/import", [
        { name: "html", value: d.turn(texts("html")), filename: "mail.html", type: "text/html" },
      ]),
  },
  {
    name: "audio",
    make: (d) =>
      send(
        "POST",
        "/v1/speech:recognize?lang=en-US&model=a/b",
        "audio/ogg; codecs=opus",
        Buffer.concat([Buffer.from("OggS\0\x02", "latin1"), d.bytes(3000)]),
      ),
  },
  {
    name: "video-part",
    make: (d) =>
      send(
        "PUT",
        `/upload/youtube/v3/videos?uploadType=resumable&upload_id=${d.base64url(80)}`,
        "video/mp4",
        Buffer.concat([Buffer.from("\0\0\0 ftypisom\0\0\x02\0isomiso2avc1mp41", "latin1"), d.bytes(4000)]),
        [["Content-Range", "bytes 0-4035/999999"]],
      ),
  },
  {
    name: "font",
    make: (d) =>
      multipart(d, "/fonts", [
        {
          name: "font",
          value: Buffer.concat([Buffer.from("wOF2"), d.bytes(2500)]),
          filename: "Inter[wght].woff2",
          type: "font/woff2",
        },
      ]),
  },
  {
    name: "related",
    make: (d) =>
      send(
        "POST",
        "/upload/drive/v3/files?uploadType=multipart",
        "multipart/related; boundary=foo_bar",
        `--foo_bar\r\nContent-Type: application/json; charset=UTF-8\r\n\r\n${JSON.stringify({ name: "it's (1).txt", parents: ["root"] })}\r\n--foo_bar\r\nContent-Type: text/plain\r\n\r\n${d.turn(texts("prose"))}\r\n--foo_bar--\r\n`,
      ),
  },
  {
    name: "avatar-data-url",
    make: (d) =>
      send(
        "POST",
        "/api/avatar",
        "application/json",
        JSON.stringify({
          image: `data:image/png;base64,${png(d).toString("base64")}`,
          crop: { x: 0, y: 0, w: 10 },
        }),
        scripted(d),
      ),
  },
  {
    name: "certificate",
    make: (d) =>
      multipart(d, "/tls", [
        {
          name: "cert",
          value: `-----BEGIN CERTIFICATE-----\n${d.base64(700).replace(/.{64}/g, "$&\n")}\n-----END CERTIFICATE-----\n`,
          filename: "tls.crt",
          type: "application/x-x509-ca-cert",
        },
      ]),
  },
];

function png(d: Draw): Buffer {
  const chunk = (type: string, data: Buffer): Buffer => {
    const head = Buffer.alloc(4);
    head.writeUInt32BE(data.length);
    const body = Buffer.concat([Buffer.from(type), data]);
    const sum = Buffer.alloc(4);
    sum.writeUInt32BE(crc32(body));
    return Buffer.concat([head, body, sum]);
  };
  const size = Buffer.from([0, 0, 0, 32, 0, 0, 0, 32, 8, 2, 0, 0, 0]);
  const rows = Buffer.concat(
    Array.from({ length: 32 }, () => Buffer.concat([Buffer.from([0]), d.bytes(96)])),
  );
  const text = Buffer.from("Comment\0Made with GIMP; it's <free> & open", "latin1");
  return Buffer.concat([
    Buffer.from("\x89PNG\r\n\x1a\n", "latin1"),
    chunk("IHDR", size),
    chunk("tEXt", text),
    chunk("IDAT", deflateSync(rows)),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

/** Markers and segments as cameras write them, entropy-coded noise in between. */
function jpeg(d: Draw): Buffer {
  const exif = Buffer.from(
    "Exif\0\0MM\0*\0\0\0\x08\0\0Apple\0iPhone 15 Pro\0Bob's iPhone\0http://ns.adobe.com/xap/1.0/\0<?xpacket begin='' id='W5M0MpCehiHzreSzNTczkc9d'?><x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'/></x:xmpmeta><?xpacket end='w'?>",
    "latin1",
  );
  const length = Buffer.alloc(2);
  length.writeUInt16BE(exif.length + 2);
  const noise = d.bytes(3000).map((byte) => (byte === 255 ? 254 : byte));
  return Buffer.concat([
    Buffer.from([0xff, 0xd8, 0xff, 0xe1]),
    length,
    exif,
    Buffer.from([0xff, 0xda, 0, 12, 3, 1, 0, 2, 17, 3, 17, 0, 63, 0]),
    noise,
    Buffer.from([0xff, 0xd9]),
  ]);
}

function pdf(d: Draw): Buffer {
  const stream = deflateSync(
    "BT /F1 24 Tf 72 720 Td (It\\'s an invoice \\(copy\\)) Tj ET\n".repeat(d.int(3, 30)),
  );
  return Buffer.concat([
    Buffer.from(
      "%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R /Lang (en-US) /OpenAction [3 0 R /Fit] >>\nendobj\n2 0 obj\n<</Type/Pages/Kids[3 0 R]/Count 1>>\nendobj\n3 0 obj\n<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R/Annots[<</Type/Annot/Subtype/Link/A<</S/URI/URI(https://example.com/?a=1&b='2')>>>>]>>\nendobj\n4 0 obj\n",
      "latin1",
    ),
    Buffer.from(`<</Length ${stream.length}/Filter/FlateDecode>>\nstream\n`),
    stream,
    Buffer.from(
      `\nendstream\nendobj\nxref\n0 5\n0000000000 65535 f \ntrailer\n<</Size 5/Root 1 0 R/ID[<${d.hex(32)}><${d.hex(32)}>]>>\nstartxref\n${d.int(400, 900)}\n%%EOF\n`,
    ),
  ]);
}

function zip(d: Draw): Buffer {
  const name = Buffer.from("etc/app/config.d/it's.conf");
  const data = Buffer.from(d.turn(texts("config")));
  const packed = deflateRawSync(data);
  const head = Buffer.alloc(30);
  head.writeUInt32LE(0x04034b50, 0);
  head.writeUInt16LE(20, 4);
  head.writeUInt16LE(8, 8);
  head.writeUInt32LE(crc32(data), 14);
  head.writeUInt32LE(packed.length, 18);
  head.writeUInt32LE(data.length, 22);
  head.writeUInt16LE(name.length, 26);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  return Buffer.concat([head, name, packed, d.bytes(2000), end]);
}

function csv(d: Draw): string {
  const rows = lines("names").map((name, i) => {
    const note = lines("chat")[(i + d.round) % lines("chat").length]!;
    return [String(i), name, lines("addresses")[(i + d.round) % 12]!, note]
      .map((cell) => `"${cell.replaceAll('"', '""')}"`)
      .join(";");
  });
  return `﻿id;name;address;note\r\n${rows.slice(d.round % 10, (d.round % 10) + 12).join("\r\n")}\r\n`;
}
