/** Media types by the ending of a name. What is not here is sent as bytes of no type, which no browser runs. */
export function mediaTypeOf(name: string): string {
  const dot = name.lastIndexOf(".");
  return (dot < 0 ? undefined : types.get(name.slice(dot + 1).toLowerCase())) ?? "application/octet-stream";
}

const types = new Map<string, string>();

/** Text without a charset is guessed at, which has been a way to run scripts (UTF-7). */
function add(type: string, ...endings: readonly string[]): void {
  const isText = type.startsWith("text/") || type === "application/xml" || type.endsWith("+xml");
  for (const ending of endings) types.set(ending, isText ? `${type}; charset=utf-8` : type);
}

add("text/html", "html", "htm");
add("text/css", "css");
add("text/javascript", "js", "mjs", "cjs");
add("text/plain", "txt", "text", "log", "conf");
add("text/markdown", "md", "markdown");
add("text/csv", "csv");
add("text/calendar", "ics");
add("text/vcard", "vcf");
add("text/vtt", "vtt");
add("application/json", "json", "map");
add("application/ld+json", "jsonld");
add("application/geo+json", "geojson");
add("application/manifest+json", "webmanifest");
add("application/xml", "xml", "xsd", "xsl");
add("application/xhtml+xml", "xhtml");
add("application/rss+xml", "rss");
add("application/atom+xml", "atom");
add("image/svg+xml", "svg");
add("image/png", "png");
add("image/apng", "apng");
add("image/jpeg", "jpg", "jpeg");
add("image/gif", "gif");
add("image/webp", "webp");
add("image/avif", "avif");
add("image/bmp", "bmp");
add("image/tiff", "tif", "tiff");
add("image/x-icon", "ico");
add("audio/mpeg", "mp3");
add("audio/mp4", "m4a");
add("audio/aac", "aac");
add("audio/flac", "flac");
add("audio/ogg", "oga", "ogg", "opus");
add("audio/wav", "wav");
add("video/mp4", "mp4", "m4v");
add("video/webm", "webm");
add("video/ogg", "ogv");
add("video/quicktime", "mov");
add("video/mp2t", "ts");
add("application/vnd.apple.mpegurl", "m3u8");
add("application/dash+xml", "mpd");
add("font/woff", "woff");
add("font/woff2", "woff2");
add("font/ttf", "ttf");
add("font/otf", "otf");
add("application/vnd.ms-fontobject", "eot");
add("application/wasm", "wasm");
add("application/pdf", "pdf");
add("application/rtf", "rtf");
add("application/epub+zip", "epub");
add("application/zip", "zip");
add("application/gzip", "gz", "tgz");
add("application/zstd", "zst");
add("application/x-bzip2", "bz2");
add("application/x-xz", "xz");
add("application/x-7z-compressed", "7z");
add("application/x-tar", "tar");
add("application/vnd.debian.binary-package", "deb");
add("application/x-rpm", "rpm");
add("application/java-archive", "jar");
add("application/vnd.android.package-archive", "apk");
add("application/msword", "doc");
add("application/vnd.ms-excel", "xls");
add("application/vnd.ms-powerpoint", "ppt");
add("application/vnd.openxmlformats-officedocument.wordprocessingml.document", "docx");
add("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xlsx");
add("application/vnd.openxmlformats-officedocument.presentationml.presentation", "pptx");
add("application/vnd.oasis.opendocument.text", "odt");
add("application/vnd.oasis.opendocument.spreadsheet", "ods");
add("application/sql", "sql");
add("application/yaml", "yaml", "yml");
add("application/toml", "toml");
