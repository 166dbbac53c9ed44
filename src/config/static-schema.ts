import { flag, int, optionalInt, optionalText, texts } from "./keys.ts";

/** The keys of routes that serve files: types and ranges only. Loaded in the primary only. */

export const staticKeys = {
  serve_dir: optionalText({
    type: "path",
    example: "/srv/www",
    doc: 'Directory whose files a route with mode = "static" serves, by the path behind [route.rewrite]. Required there.',
  }),
  static_index: texts({
    type: "array of file names",
    default: ["index.html"],
    doc: "Files that stand for a directory, in this order. Directories are never listed.",
  }),
  spa_fallback: flag(
    false,
    "Paths of no file get the first index file of serve_dir, with 200: for applications that read the path themselves. Not paths that end in a file name, unless the client asks for text/html.",
  ),
  precompressed: flag(
    false,
    "Serve NAME.br, NAME.zst or NAME.gz in place of NAME, where it lies beside it, is no older, and the client takes it.",
  ),
  static_max_age_secs: optionalInt({
    min: 0,
    max: 31_536_000,
    example: 3600,
    doc: "Cache-Control: max-age of files. Absent = none is sent.",
  }),
  static_immutable: flag(false, "Cache-Control: immutable, for files whose names change with their content."),
};

/** Of `[server]`. */
export const staticLimits = {
  static_cache_mb: int({
    min: 0,
    max: 16_384,
    default: 32,
    doc: "Memory for files of `serve_dir` in each worker, in MiB: small ones are kept whole. 0 = all are read each time.",
  }),
  static_open_files: int({
    min: 16,
    max: 1_000_000,
    default: 1024,
    doc: "Files of `serve_dir` that are being read at once, per worker: 503 above.",
  }),
};
