/** How a body of a media type is read. */
export type Family =
  | "json"
  | "form"
  | "multipart"
  | "xml"
  | "text"
  | "graphql"
  | "grpc"
  | "protobuf"
  | "octet"
  | "report" // JSON that browsers send on their own: CSP, network errors
  | "none" // no Content-Type
  | "other";

/** Types whose family their name does not show. */
const families: ReadonlyMap<string, Family> = new Map([
  ["application/json", "json"],
  ["text/json", "json"],
  ["text/x-json", "json"],
  ["application/x-json", "json"],
  ["application/jsonrequest", "json"],
  ["application/json-rpc", "json"],
  // AWS clients.
  ["application/x-amz-json-1.0", "json"],
  ["application/x-amz-json-1.1", "json"],
  // Google's clients: protobuf messages written as JSON arrays.
  ["application/json+protobuf", "json"],
  ["application/x-www-form-urlencoded", "form"],
  ["application/xml", "xml"],
  ["text/xml", "xml"],
  ["application/graphql", "graphql"],
  ["application/protobuf", "protobuf"],
  ["application/x-protobuf", "protobuf"],
  ["application/vnd.google.protobuf", "protobuf"],
  ["application/octet-stream", "octet"],
  ["application/csp-report", "report"],
  ["application/reports+json", "report"],
  ["application/expect-ct-report+json", "report"],
  // One value per line is no JSON value (RFC 8259): read as the text it is.
  ["application/x-ndjson", "text"],
  ["application/ndjson", "text"],
  ["application/jsonl", "text"],
  ["application/json-seq", "text"],
  ["application/javascript", "text"],
  ["application/x-javascript", "text"],
  ["application/yaml", "text"],
  ["application/x-yaml", "text"],
  ["application/vnd.flux", "text"],
  ["application/vnd.svn-skel", "text"],
  ["application/x-shellscript", "text"],
  ["application/x-php", "text"],
  ["application/x-perl", "text"],
  ["application/x-ruby", "text"],
  ["application/x-python-code", "text"],
  ["application/x-tex", "text"],
  ["application/x-latex", "text"],
  ["application/toml", "text"],
  ["application/sdp", "text"],
  ["application/trickle-ice-sdpfrag", "text"],
  ["application/sparql-query", "text"],
  ["application/sparql-update", "text"],
  ["application/n-triples", "text"],
  ["application/sql", "text"],
  ["application/edifact", "text"],
  ["application/edi-x12", "text"],
  ["application/hl7-v2", "text"],
  // Lines of JSON, attachments between them.
  ["application/x-sentry-envelope", "text"],
] satisfies [string, Family][]);

/** Family of a type in lower case, without parameters. */
export function familyOf(essence: string): Family {
  const named = families.get(essence);
  if (named !== undefined) return named;
  // Before the suffixes: `application/grpc+json` is framed, not JSON.
  if (/^application\/grpc(?:-web)?(?:-text)?(?:\+|$)/.test(essence)) return "grpc";
  if (essence.startsWith("multipart/")) return "multipart";
  // Structured syntax suffixes (RFC 6838 §4.2.8): the last one says how the body is read.
  const suffix = essence.slice(essence.lastIndexOf("+") + 1);
  if (suffix.length < essence.length) {
    if (suffix === "json") return "json";
    if (suffix === "xml") return "xml";
    if (suffix === "protobuf" || suffix === "proto") return "protobuf";
    if (suffix === "x-ndjson" || suffix === "ndjson" || suffix === "yaml") return "text";
  }
  return essence.startsWith("text/") ? "text" : "other";
}
