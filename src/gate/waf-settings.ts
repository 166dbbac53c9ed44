import { defaultGraphqlLimits, type GraphqlLimits } from "../body/graphql.ts";
import { defaultJsonLimits, type JsonLimits } from "../body/json-limit.ts";
import { compileTypeList, matchesAllowList, type TypeList } from "../body/type-list.ts";
import type { RuleSet } from "../waf/compile.ts";
import { compileProfile, type Exclude, type Profile } from "../waf/profile.ts";
import { buildPlainFields, type PlainFields } from "./waf-plain-field.ts";

/** What a `[waf_profile.NAME]` says, in camel case, with the route's `waf_shadow`. */
export interface WafSettings {
  /** Name of the profile. */
  readonly name: string;
  /** Bodies are forwarded as they are inspected, however short: the route's `body = "stream"`. */
  readonly streams: boolean;
  /** Everything is decided, counted and logged, and nothing refused: for the caller, the gates do not look at it. */
  readonly shadow: boolean;
  readonly mode: "balanced" | "aggressive";
  /** 1 to 4; undefined = by mode. */
  readonly sensitivity: number | undefined;
  /** Points; undefined = by mode. */
  readonly threshold: number | undefined;
  /** MiB, after content decoding as well. 0 refuses every body that is not empty. */
  readonly maxBodyMb: number;
  /** Bodies up to here are inspected whole before a byte is forwarded. KiB. */
  readonly inspectBufferKb: number;
  /** JSON: open arrays and objects together. */
  readonly maxDepth: number;
  /** JSON: bytes of one key or string. */
  readonly maxStringLen: number;
  /** JSON: characters of one number. */
  readonly maxNumberLen: number;
  /** JSON: values may follow each other. */
  readonly jsonSequences: boolean;
  /** Bytes of a body for each of its compressed ones. */
  readonly maxInflateRatio: number;
  /** GraphQL: brackets that are open together. */
  readonly graphqlMaxDepth: number;
  readonly graphqlMaxAliases: number;
  readonly graphqlIntrospection: "allow" | "refuse";
  readonly denyUnknownContentTypes: boolean;
  /** As `compileTypeList` reads them. */
  readonly allowedContentTypes: readonly string[];
  readonly entropyCheck: boolean;
  /** Bits per byte. */
  readonly entropyThreshold: number;
  /** Fields to inspect whatever their bytes are, beside all those that are inspected anyway; see PlainFields. */
  readonly scanHeaders: readonly string[];
  /** Ids or classes of rules. */
  readonly disabledRules: readonly string[];
  readonly shadowRules: readonly string[];
  readonly excludes: readonly Exclude[];
  /** What a spent work budget means. */
  readonly onBudget: "refuse" | "pass";
}

/**
 * What browsers and common clients send: measured, nothing of 4,000 recorded requests is refused. Types of which
 * nothing is known (`application/x-whatever`) are not here: a server that takes them says so in its profile.
 */
export const defaultContentTypes: readonly string[] = [
  "application/json",
  "*+json",
  "application/json+protobuf",
  "application/x-json",
  "application/jsonrequest",
  "application/json-rpc",
  "application/x-amz-json-1.0",
  "application/x-amz-json-1.1",
  "application/x-ndjson",
  "application/ndjson",
  "application/jsonl",
  "application/json-seq",
  "*+x-ndjson", // Elasticsearch 8
  "*+ndjson",
  "application/x-www-form-urlencoded",
  "multipart/form-data",
  "multipart/mixed", // OData batches
  "multipart/related", // uploads with metadata
  "text/*",
  "application/xml",
  "*+xml",
  "application/graphql",
  "application/csp-report",
  "application/octet-stream",
  "application/offset+octet-stream", // resumable uploads (tus)
  "application/x-protobuf",
  "application/protobuf",
  "application/vnd.google.protobuf",
  "*+protobuf",
  "*+proto",
  "application/grpc",
  "application/grpc-web",
  "application/grpc-web-text",
  "application/cbor",
  "application/msgpack",
  "application/x-msgpack",
  "application/vnd.msgpack",
  "application/javascript",
  "application/yaml",
  "application/x-yaml",
  "*+yaml", // Kubernetes
  "application/vnd.flux",
  "application/x-sentry-envelope",
  "application/sdp", // WHIP
  "application/trickle-ice-sdpfrag",
  "application/sparql-query",
  "application/sparql-update",
  "application/n-triples",
  "application/sql",
  "application/edifact",
  "application/edi-x12",
  "application/hl7-v2",
  "application/pdf",
  "application/zip",
  "application/gzip",
  "application/x-gzip",
  "application/x-tar",
  // Files as browsers and tools name them when they are put somewhere: bytes, as octet-stream is.
  "binary/octet-stream", // S3
  "*+zip",
  "application/x-zip-compressed", // ZIP on Windows
  "application/x-7z-compressed",
  "application/vnd.rar",
  "application/x-rar-compressed",
  "application/x-bzip2",
  "application/x-xz",
  "application/zstd",
  "application/x-compressed-tar",
  "application/java-archive",
  "application/x-java-archive",
  "application/java-vm",
  "application/x-java",
  "application/x-bzip",
  "application/x-gtar-compressed",
  "application/x-debian-package",
  "application/x-apple-diskimage",
  "application/x-iso9660-image",
  "application/x-executable",
  "application/x-sharedlib",
  "application/x-msdos-program",
  "application/x-ms-dos-executable",
  "application/x-msdownload",
  "application/x-msi",
  "application/vnd.microsoft.portable-executable",
  "application/vnd.android.package-archive",
  "application/vnd.debian.binary-package",
  "application/x-rpm",
  "application/wasm",
  "application/msword",
  "application/rtf",
  "application/postscript",
  "application/vnd.ms-excel",
  "application/vnd.ms-powerpoint",
  "application/vnd.ms-outlook",
  "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
  "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
  "application/vnd.openxmlformats-officedocument.presentationml.presentation",
  "application/vnd.oasis.opendocument.text",
  "application/vnd.oasis.opendocument.spreadsheet",
  "application/vnd.oasis.opendocument.presentation",
  "application/vnd.apache.parquet",
  "application/vnd.apache.arrow.stream",
  "application/vnd.sqlite3",
  "application/x-sqlite3",
  "application/parquet",
  "application/x-hdf5",
  "application/x-netcdf",
  "application/bson",
  "application/x-thrift",
  "application/vnd.tcpdump.pcap",
  "application/x-bittorrent",
  "application/x-shellscript",
  "application/x-php",
  "application/x-perl",
  "application/x-python-code",
  "application/x-python-bytecode",
  "application/x-ruby",
  "application/x-gettext-translation",
  "application/x-tex",
  "application/x-latex",
  "application/toml",
  "application/vnd.apple.mpegurl", // HLS
  "application/vnd.ms-excel.sheet.macroenabled.12",
  "application/vnd.ms-excel.sheet.binary.macroenabled.12",
  "application/vnd.ms-word.document.macroenabled.12",
  "application/vnd.ms-powerpoint.presentation.macroenabled.12",
  "application/vnd.openxmlformats-officedocument.wordprocessingml.template",
  "application/vnd.openxmlformats-officedocument.spreadsheetml.template",
  "application/vnd.openxmlformats-officedocument.presentationml.slideshow",
  "application/vnd.oasis.opendocument.graphics",
  "application/vnd.oasis.opendocument.text-template",
  "application/vnd.oasis.opendocument.formula-template", // what rclone calls an .otf
  "application/vnd.visio",
  "application/vnd.ms-sync.wbxml", // ActiveSync
  "application/mapi-http", // Outlook
  "application/vnd.syncml+wbxml",
  "message/*",
  "application/avro",
  "application/dicom",
  "application/ipp",
  "application/x-amf",
  "application/vnd.docker.image.rootfs.diff.tar.gzip",
  "application/openmetrics-text",
  "application/dns-message",
  "application/jwt",
  "application/jose",
  "application/pkcs10",
  "application/secevent+jwt",
  "application/pkcs7-mime", // AS2
  "application/pkix-cert",
  "application/x-x509-ca-cert",
  "application/x-pem-file",
  "application/pgp-keys",
  "application/pgp-signature",
  "application/x-pkcs12",
  "application/timestamp-query",
  "application/ocsp-request",
  "application/x-git-upload-pack-request",
  "application/x-git-receive-pack-request",
  "application/x-git-bundle",
  "application/vnd.svn-skel", // Subversion
  "application/vnd.svn-svndiff",
  "application/mercurial-0.1",
  "application/mercurial-0.2",
  "image/*",
  "audio/*",
  "video/*",
  "font/*",
  "model/*",
];

/** Every default there is. */
export const defaultWafSettings: WafSettings = {
  name: "default",
  streams: false,
  shadow: false,
  mode: "balanced",
  sensitivity: undefined,
  threshold: undefined,
  maxBodyMb: 10,
  inspectBufferKb: 1024,
  maxDepth: 64,
  maxStringLen: 1_048_576,
  maxNumberLen: 1024,
  jsonSequences: false,
  maxInflateRatio: 10,
  graphqlMaxDepth: defaultGraphqlLimits.depthMax,
  graphqlMaxAliases: defaultGraphqlLimits.aliasesMax,
  graphqlIntrospection: "allow",
  denyUnknownContentTypes: true,
  allowedContentTypes: defaultContentTypes,
  entropyCheck: true,
  entropyThreshold: 6.5,
  scanHeaders: [],
  disabledRules: [],
  shadowRules: [],
  excludes: [],
  onBudget: "refuse",
};

/** A profile made ready, once per snapshot and route. Immutable. */
export interface RouteWaf {
  readonly name: string;
  readonly shadow: boolean;
  readonly streams: boolean;
  readonly profile: Profile;
  readonly maxBodyBytes: number;
  readonly inflateRatioMax: number;
  readonly inspectBufferBytes: number;
  readonly json: JsonLimits;
  readonly graphql: GraphqlLimits;
  readonly denyUnknownContentTypes: boolean;
  readonly allowed: TypeList;
  /** Bytes of any kind may come, as application/octet-stream: then they may come without a type, too (RFC 9110 §8.3). */
  readonly takesOctets: boolean;
  readonly entropyCheck: boolean;
  /** Bits per byte. */
  readonly entropyThreshold: number;
  readonly plainFields: PlainFields;
}

/** Throws RangeError for an allowed type that is none, or an exclusion's place that is none. */
export function buildRouteWaf(given: Partial<WafSettings>, ruleSet: RuleSet): RouteWaf {
  const settings: WafSettings = { ...defaultWafSettings, ...given };
  const types = settings.allowedContentTypes.flatMap((type) =>
    type === "default" ? defaultContentTypes : [type],
  );
  const allowed = compileTypeList(types);
  if (typeof allowed === "string") throw new RangeError(`"${allowed}" is no content type`);
  const profile = compileProfile(ruleSet, {
    mode: settings.mode,
    ...(settings.sensitivity === undefined ? {} : { sensitivity: settings.sensitivity }),
    ...(settings.threshold === undefined ? {} : { threshold: settings.threshold }),
    disabled: settings.disabledRules,
    shadow: settings.shadowRules,
    excludes: settings.excludes,
    onExhausted: settings.onBudget,
  });
  return {
    name: settings.name,
    shadow: settings.shadow,
    streams: settings.streams,
    profile,
    maxBodyBytes: settings.maxBodyMb * 1_048_576,
    inflateRatioMax: settings.maxInflateRatio,
    inspectBufferBytes: settings.inspectBufferKb * 1024,
    json: {
      ...defaultJsonLimits,
      depthMax: settings.maxDepth,
      stringBytesMax: settings.maxStringLen,
      numberCharsMax: settings.maxNumberLen,
      sequences: settings.jsonSequences,
    },
    graphql: {
      ...defaultGraphqlLimits,
      depthMax: settings.graphqlMaxDepth,
      aliasesMax: settings.graphqlMaxAliases,
      introspection: settings.graphqlIntrospection,
    },
    denyUnknownContentTypes: settings.denyUnknownContentTypes,
    allowed,
    takesOctets: !settings.denyUnknownContentTypes || matchesAllowList("application/octet-stream", allowed),
    entropyCheck: settings.entropyCheck,
    entropyThreshold: settings.entropyThreshold,
    plainFields: buildPlainFields(settings.scanHeaders),
  };
}
