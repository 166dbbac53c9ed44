import { messageCoding } from "../body/coding.ts";
import type { ContentType } from "../body/content-type.ts";
import { defaultFormLimits, FormReader } from "../body/form.ts";
import { type GrpcEvents, GrpcReader } from "../body/grpc.ts";
import { JsonReader } from "../body/json.ts";
import { defaultJsonLimits, type JsonLimits } from "../body/json-limit.ts";
import type { Family } from "../body/media-type.ts";
import { MultipartReader, type PartFacts, type PartReader } from "../body/multipart.ts";
import { RepeatedParts } from "../body/part-repeat.ts";
import { BODY_BYTES, type ValueSink } from "../body/place.ts";
import { TextReader } from "../body/text.ts";
import { XmlReader } from "../body/xml.ts";
import { grpcEncoding } from "../http/grpc.ts";
import type { CanonicalRequest } from "../http/request.ts";
import { WINDOW_BYTES } from "../waf/views.ts";
import { CodedText } from "./coded-text.ts";
import type { GraphqlQueries } from "./graphql-queries.ts";
import { sameLimits } from "./same-limits.ts";
import type { RouteWaf } from "./waf-settings.ts";
import type { WafGate } from "./waf-verdict.ts";

/** Reads a body and reports its values. */
export interface BodyReader {
  /** A text is a reason, and final. */
  write(bytes: Uint8Array, start: number, end: number): unknown;
  end(): unknown;
}

/** Readers for every family of types, and how the present body is read. Each is made when first used, and kept. */
export class WafReaders {
  reader: BodyReader | undefined = undefined;
  /** The gate that the reader's reasons belong to. */
  gate: WafGate = "content_type";
  /** Reads JSON that calls itself text, until it turns out not to be JSON. */
  guess: JsonReader | undefined = undefined;
  /** Two readers take turns, block by block. */
  hasBlocks = false;
  entropyOf: "nothing" | "strings" | "parts" | "all" = "nothing";
  lagBytes = LAG_BYTES;
  /** Bytes of it may be a file: a body of octets or of no known type, or a part. */
  mayBeFile = false;
  readonly #sink: ValueSink;
  readonly #queries: GraphqlQueries;
  readonly #seed: number;
  readonly #events: GrpcEvents;
  #json: JsonReader | undefined = undefined;
  #jsonLimits: JsonLimits = defaultJsonLimits;
  #form: FormReader | undefined = undefined;
  #xml: XmlReader | undefined = undefined;
  #text: TextReader | undefined = undefined;
  #octets: TextReader | undefined = undefined;
  #grpc: GrpcReader | undefined = undefined;
  #codedText: CodedText | undefined = undefined;
  #parts: RepeatedParts | undefined = undefined;

  /** `seed`: 32 random bits that no client can learn; see NameSet. */
  constructor(sink: ValueSink, queries: GraphqlQueries, seed: number, events: GrpcEvents) {
    this.#sink = sink;
    this.#queries = queries;
    this.#seed = seed;
    this.#events = events;
  }

  /** Chooses how a body of `type` is read. `request` undefined: it is a message of a WebSocket. */
  choose(type: ContentType, waf: RouteWaf, request: CanonicalRequest | undefined): void {
    this.gate = "content_type";
    this.hasBlocks = false;
    this.guess = undefined;
    this.entropyOf = "nothing";
    this.lagBytes = LAG_BYTES;
    this.mayBeFile = request !== undefined && FILES.has(type.family);
    switch (type.family) {
      case "json":
      case "report":
        this.lagBytes = JSON_LAG_BYTES;
        this.gate = "json";
        this.reader = this.#openJson(waf.json);
        this.entropyOf = "strings";
        return;
      case "form":
        this.reader = this.#openForm();
        this.entropyOf = "all";
        return;
      case "multipart":
        this.lagBytes = XML_LAG_BYTES;
        if (type.essence === "multipart/form-data") {
          this.reader = this.#openParts(type.boundary, waf);
          this.entropyOf = "parts";
        } else this.reader = this.#openOctets();
        return;
      case "xml":
        this.lagBytes = XML_LAG_BYTES;
        this.reader = this.#openXml();
        this.entropyOf = "all";
        return;
      case "graphql":
        this.lagBytes = JSON_LAG_BYTES;
        this.reader = this.#openGraphql(waf);
        this.hasBlocks = true;
        this.entropyOf = "all";
        return;
      case "text":
      case "none":
        this.reader = this.#openText();
        // `curl -T` sends pictures and archives without a type.
        this.entropyOf = type.family === "none" && waf.takesOctets ? "nothing" : "all";
        this.hasBlocks = true;
        this.guess = this.#openJson(defaultJsonLimits);
        return;
      case "grpc":
        // The text form of gRPC-Web is base64, which the detectors undo.
        if (request === undefined || type.essence.includes("-text")) this.reader = this.#openOctets();
        else this.reader = this.#openGrpc(waf, request);
        return;
      default:
        this.reader = this.#openOctets();
    }
  }

  /** The reader, where it reads messages of gRPC. */
  get grpc(): GrpcReader | undefined {
    return this.reader === this.#grpc ? this.#grpc : undefined;
  }

  /** Reads coded bytes beside what comes out of them. */
  openCodedText(): CodedText {
    this.#codedText ??= new CodedText(this.#sink, WINDOW_BYTES, OVERLAP_BYTES);
    this.#codedText.reset();
    return this.#codedText;
  }

  /** Gives back what the readers grew to. */
  close(): void {
    this.reader = undefined;
    this.guess = undefined;
    this.#json?.reset();
    this.#form?.reset();
    this.#xml?.reset();
    this.#text?.reset();
    this.#octets?.reset();
    this.#grpc?.reset();
    this.#codedText?.reset();
    this.#parts?.clear();
  }

  #openJson(limits: JsonLimits): JsonReader {
    if (this.#json === undefined || !sameLimits(this.#jsonLimits, limits)) {
      this.#json = new JsonReader(this.#sink, limits, this.#seed);
      this.#jsonLimits = limits;
    }
    this.#json.reset();
    this.#queries.reset();
    return this.#json;
  }

  #openForm(): FormReader {
    this.#form ??= new FormReader(this.#sink, defaultFormLimits, this.#seed);
    this.#form.reset();
    return this.#form;
  }

  #openXml(): XmlReader {
    this.#xml ??= new XmlReader(this.#sink);
    this.#xml.reset();
    return this.#xml;
  }

  #openText(): TextReader {
    this.#text ??= new TextReader(this.#sink, WINDOW_BYTES, OVERLAP_BYTES);
    this.#text.reset();
    return this.#text;
  }

  #openOctets(): TextReader {
    this.#octets ??= new TextReader(this.#sink, WINDOW_BYTES, OVERLAP_BYTES, BODY_BYTES);
    this.#octets.reset();
    return this.#octets;
  }

  #openGrpc(waf: RouteWaf, request: CanonicalRequest): GrpcReader {
    const grpc = (this.#grpc ??= new GrpcReader(this.#sink, WINDOW_BYTES, OVERLAP_BYTES, this.#events));
    grpc.reset();
    grpc.messageBytesMax = waf.maxBodyBytes;
    const encoding = grpcEncoding(request);
    const coding = encoding === undefined ? undefined : messageCoding(encoding);
    if (coding !== undefined && coding !== "identity") {
      grpc.coding = coding;
      // Nobody can say how far into a compressed message the inspection has come.
      this.lagBytes = Infinity;
    }
    return grpc;
  }

  #openGraphql(waf: RouteWaf): BodyReader {
    const graphql = this.#queries.reader(waf.graphql);
    graphql.reset();
    graphql.startDocument();
    const text = this.#openText();
    return {
      write(bytes, start, end) {
        text.write(bytes, start, end);
        return graphql.write(bytes, start, end);
      },
      end() {
        text.end();
        return graphql.end();
      },
    };
  }

  #openParts(boundary: string, waf: RouteWaf): MultipartReader {
    this.#parts ??= new RepeatedParts(this.#seed);
    this.#parts.clear();
    const readerOf = (part: PartFacts) => this.#partReader(part, waf);
    return new MultipartReader(boundary, this.#sink, undefined, readerOf, this.#parts);
  }

  /** A field that calls itself JSON or XML is read as that; a file is a file. */
  #partReader({ name, mediaType, isFile }: PartFacts, waf: RouteWaf): PartReader | undefined {
    if (isFile) return undefined;
    if (name === "operations" && mediaType === "") return this.#openOperations();
    if (/^application\/(?:[\w.-]+\+)?json$/.test(mediaType)) return this.#openJson(waf.json);
    if (/^(?:application|text)\/(?:[\w.-]+\+)?xml$/.test(mediaType)) return this.#openXml();
    return undefined;
  }

  /** Of GraphQL with files (graphql-multipart-request-spec): JSON that says no type, and may be something else. */
  #openOperations(): PartReader {
    const text = this.#openText();
    let json: JsonReader | undefined = this.#openJson(defaultJsonLimits);
    return {
      write(bytes, start, end) {
        if (json?.write(bytes, start, end) !== undefined) json = undefined;
        text.write(bytes, start, end);
        return undefined;
      },
      end() {
        json?.end();
        text.end();
        return undefined;
      },
    };
  }
}

const FILES: ReadonlySet<Family> = new Set(["octet", "other", "none", "multipart"]);

/** As the inspector's own windows, so that none is cut again. */
const OVERLAP_BYTES = 1024;
const LAG_BYTES = 32_768;
const JSON_LAG_BYTES = 65_536;
const XML_LAG_BYTES = 131_072;
