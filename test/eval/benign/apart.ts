import { scripted } from "./browser.ts";
import { get, json, lines, looseQuery, send, type Template, texts } from "./template.ts";

/** A template that may be refused, and why nobody could do better without knowing the application. */
export interface ApartTemplate extends Template {
  readonly why: string;
}

/**
 * Real traffic that cannot be told from an attack by looking at the request alone: counted, without a bar. An operator
 * who has such traffic excludes the rule on the route.
 */
export const apart: readonly ApartTemplate[] = [
  {
    name: "mongo-like",
    why: "$in and $gte as keys of a filter: an injection into a MongoDB query is exactly that",
    make: (d) =>
      json(
        "POST",
        "/api/find",
        {
          collection: "orders",
          filter: {
            status: { $in: ["open", "paid"] },
            total: { $gte: d.int(1, 99), $lt: 1000 },
            $or: [{ vip: true }, { "address.city": { $regex: "^St\\. ", $options: "i" } }],
          },
          sort: { createdAt: -1 },
          projection: { _id: 0 },
        },
        scripted(d),
      ),
  },
  {
    name: "feathers",
    why: "[$lt] in a query name: likewise",
    make: (d) =>
      get(
        `/messages?${looseQuery([
          ["$limit", "10"],
          ["$skip", String(d.int(0, 90))],
          ["$sort[createdAt]", "-1"],
          ["createdAt[$lt]", "2025-01-01"],
          ["roomId[$in][]", "2"],
        ])}`,
        scripted(d),
      ),
  },
  {
    name: "docker-config",
    why: "the history of an image is the shell commands that made it",
    make: (d) =>
      send(
        "PUT",
        `/v2/team/app/blobs/uploads/${d.uuid()}?digest=sha256%3A${d.hex(64)}`,
        "application/vnd.oci.image.config.v1+json",
        JSON.stringify({
          architecture: "amd64",
          config: {
            Env: [
              "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
              "NODE_VERSION=24.12.0",
            ],
            Entrypoint: ["docker-entrypoint.sh"],
            Cmd: ["node"],
          },
          history: [
            {
              created_by:
                "/bin/sh -c #(nop) ADD file:9b38b383dd93169a663eed88edf3f2285b837257ead69dc40ab5ed1fb3f52c35 in / ",
            },
            {
              created_by:
                "/bin/sh -c apt-get update && apt-get install -y --no-install-recommends curl && rm -rf /var/lib/apt/lists/*",
            },
            { created_by: '/bin/sh -c #(nop)  CMD ["node"]', empty_layer: true },
          ],
          rootfs: { type: "layers", diff_ids: [`sha256:${d.hex(64)}`] },
        }),
      ),
  },
  {
    name: "language-server",
    why: "a file: URL into a home directory is also what a request forgery asks for",
    make: (d) =>
      json("POST", "/lsp", {
        jsonrpc: "2.0",
        id: 1,
        method: "textDocument/didChange",
        params: {
          textDocument: { uri: "file:///home/bob/src/app.ts", version: d.int(1, 99) },
          contentChanges: [{ text: d.turn(texts("code")) }],
        },
      }),
  },
  {
    name: "command-lines",
    why: "values that are working command lines or template expressions, said in a chat",
    make: (d) => json("POST", "/api/channels/42/messages", { content: d.turn(lines("apart")) }, scripted(d)),
  },
  {
    name: "working-code",
    why: "pasted code that runs a command or shows a form where it is not escaped: the whole of an attack",
    make: (d) => json("POST", "/api/comments", { body: d.turn(texts("apart-code")) }, scripted(d)),
  },
];
