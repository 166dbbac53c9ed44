import { CodingDecoder, type CodingReason, contentCoding } from "../body/coding.ts";
import { type ContentType, noContentType, readContentType } from "../body/content-type.ts";
import { EntropyCounter } from "../body/entropy.ts";
import { defaultFormLimits, FormReader } from "../body/form.ts";
import type { GraphqlReason } from "../body/graphql.ts";
import { GrpcReader, type GrpcReason } from "../body/grpc.ts";
import { JsonReader } from "../body/json.ts";
import { defaultJsonLimits, type JsonLimits } from "../body/json-limit.ts";
import { MultipartReader, type PartFacts, type PartReader } from "../body/multipart.ts";
import { RepeatedParts } from "../body/part-repeat.ts";
import {
  BODY_BYTES,
  BODY_TEXT,
  FORM_NAME,
  FORM_VALUE,
  JSON_KEY,
  JSON_STRING,
  PART_TEXT,
  type Place,
  type ValueSink,
} from "../body/place.ts";
import { TextReader } from "../body/text.ts";
import { matchesAllowList } from "../body/type-list.ts";
import { XmlReader } from "../body/xml.ts";
import { F } from "../http/field.ts";
import { grpcEncoding } from "../http/grpc.ts";
import { BODY_LENGTH, BODY_NONE, type CanonicalRequest } from "../http/request.ts";
import type { Inspector } from "../waf/inspector.ts";
import type { Profile } from "../waf/profile.ts";
import { WINDOW_BYTES } from "../waf/views.ts";
import { CleanValues } from "./clean-values.ts";
import { GraphqlQueries } from "./graphql-queries.ts";
import { RepeatedStrings } from "./repeated-strings.ts";
import { sameLimits } from "./same-limits.ts";
import { ScriptSamples } from "./script-samples.ts";
import { isBinary, isCompressed, reportTexts } from "./waf-binary.ts";
import type { RouteWaf } from "./waf-settings.ts";
import { inspectorGate, topRule, type WafGate, type WafVerdict } from "./waf-verdict.ts";

/** What a body with a content coding, or with compressed messages, tells later. Never called within `begin`, `write` or `end`. */
export interface BodyEvents {
  /** `write` returned false without a refusal and may be called again. */
  drained(): void;
  /** The body was refused between two calls; not called once `end` was. */
  refused(): void;
}

/**
 * Inspects request bodies, one after the other: undoes the content coding, reads by the declared type, and gives every
 * leaf value to the inspector. Any cutting into chunks gives the same verdict. Pooled per worker: readers are made when
 * first used, and kept.
 *
 * Usage: `begin`; `write` for each chunk while it returns true; `end`. Whoever stops early calls `close`. After a
 * refusal the rest of the body need not be given. Without a content coding everything is synchronous, and `end` calls
 * back before it returns. A body of no bytes is never refused, whatever its type says.
 */
export class BodyInspection {
  readonly verdict: WafVerdict;

  readonly #verdict: Mutable<WafVerdict> = { refused: false, gate: "patterns", detail: "" };
  readonly #seed: number;
  readonly #sink: ValueSink = { value: (bytes, start, end, place) => this.#take(bytes, start, end, place) };
  #request: CanonicalRequest | undefined;
  #waf: RouteWaf | undefined;
  #inspector: Inspector | undefined;
  #events: BodyEvents | undefined;
  #done: ((verdict: WafVerdict) => void) | undefined;
  /** A call of ours is running: events wait for its result. */
  #isCalled = false;

  #isBegun = false;
  #isOpen = false;
  #lagBytes = LAG_BYTES;
  /** The gate that a reader's reasons belong to, and the reader. */
  #gate: WafGate = "content_type";
  #reader: Reader | undefined;
  /** Reads JSON that calls itself text, until it turns out not to be JSON. */
  #guess: JsonReader | undefined;
  #decoder: CodingDecoder | undefined;
  /** After content decoding. */
  #bytes = 0;
  #hasBlocks = false;
  #block: Buffer | undefined;
  #blockEnd = 0;
  #isFirstBlock = true;
  #entropyOf: "nothing" | "strings" | "parts" | "all" = "nothing";
  /** Names of `#profile` in which nothing was seen: applications have few, and send them again and again. */
  readonly #cleanKeys: CleanValues = new CleanValues(128, 24);
  readonly #cleanFields: CleanValues = new CleanValues(128, 24);
  readonly #strings: RepeatedStrings = new RepeatedStrings();
  #profile: Profile | undefined;
  readonly #entropy: EntropyCounter = new EntropyCounter();
  #json: JsonReader | undefined;
  #jsonLimits: JsonLimits = defaultJsonLimits;
  #form: FormReader | undefined;
  #xml: XmlReader | undefined;
  #text: TextReader | undefined;
  #octets: TextReader | undefined;
  readonly #queries: GraphqlQueries = new GraphqlQueries(this.#sink);
  readonly #samples: ScriptSamples = new ScriptSamples();
  #grpc: GrpcReader | undefined;
  #parts: RepeatedParts | undefined;

  /** `seed`: 32 random bits that no client can learn; see NameSet. */
  constructor(seed: number) {
    this.#seed = seed;
    this.verdict = this.#verdict;
  }

  /**
   * Starts a body. The inspector has begun the same request, and inspects no other one until `end` or `close`. The
   * request is read only here and in the first `write`. What the declared length and type alone refuse is refused here.
   */
  begin(request: CanonicalRequest, waf: RouteWaf, inspector: Inspector, events?: BodyEvents): void {
    this.#start(waf, inspector);
    this.#request = request;
    this.#events = events;
    if (request.bodyKind === BODY_NONE) return;
    if (request.bodyKind === BODY_LENGTH && request.bodyLength > 0) {
      if (request.bodyLength > waf.maxBodyBytes) this.#refuse("body_size", "body_size");
      else this.#open();
    }
  }

  /** Starts a message of a WebSocket, of which nobody says a type: text may be JSON. All of it is synchronous. */
  beginMessage(isText: boolean, waf: RouteWaf, inspector: Inspector): void {
    this.#start(waf, inspector);
    this.#isOpen = true;
    this.#openReader(isText ? noContentType : messageBytes, waf);
    // Many applications send compressed or encrypted messages.
    this.#entropyOf = "nothing";
  }

  #start(waf: RouteWaf, inspector: Inspector): void {
    this.close();
    this.#isBegun = true;
    this.#waf = waf;
    this.#inspector = inspector;
    this.#done = undefined;
    this.#isOpen = false;
    this.#reader = undefined;
    this.#guess = undefined;
    this.#bytes = 0;
    this.#entropyOf = "nothing";
    this.#entropy.reset();
    this.#queries.reset();
    this.#strings.clear();
    if (this.#profile !== waf.profile) {
      this.#profile = waf.profile;
      this.#cleanKeys.clear();
      this.#cleanFields.clear();
    }
    this.#verdict.refused = false;
    this.#verdict.detail = "";
  }

  /**
   * Inspects `bytes[start, end)`; they are the caller's again when it returns. Give at most 8 KiB at once: what a call
   * can cost grows with them. False: stop, either for good
   * (`verdict.refused`) or, only of compressed bytes, until `drained`.
   */
  write(bytes: Uint8Array, start: number, end: number): boolean {
    if (this.#verdict.refused) return false;
    if (start >= end) return true;
    this.#isCalled = true;
    if (!this.#isOpen) this.#open();
    let isReady = true;
    if (this.#verdict.refused) isReady = false;
    else if (this.#decoder === undefined) {
      this.#read(bytes, start, end);
      isReady = this.#reader !== this.#grpc || !this.#grpc!.busy;
    } else isReady = this.#decoder.write(bytes, start, end);
    this.#isCalled = false;
    return isReady && !this.#verdict.refused;
  }

  /** The body is complete. `done` is called exactly once unless `close` comes first. */
  end(done: (verdict: WafVerdict) => void): void {
    this.#done = done;
    if (this.#decoder !== undefined && !this.#verdict.refused) this.#decoder.end();
    else this.#finish();
  }

  /** Ends an inspection at any point and gives back what it grew to; nothing is called afterwards. Any number of times. */
  close(): void {
    if (!this.#isBegun) return;
    this.#isBegun = false;
    this.#reader = undefined;
    this.#guess = undefined;
    this.#block = undefined;
    this.#json?.reset();
    this.#form?.reset();
    this.#xml?.reset();
    this.#text?.reset();
    this.#octets?.reset();
    this.#grpc?.reset();
    this.#parts?.clear();
    this.#decoder?.close();
    this.#decoder = undefined;
    this.#request = undefined;
    this.#events = undefined;
    this.#done = undefined;
  }

  /** End of what was seen whole, from the start of the body, where it is of messages that stand for themselves; or 0. */
  get settled(): number {
    return this.#decoder === undefined && this.#reader === this.#grpc ? (this.#grpc?.settled ?? 0) : 0;
  }

  /**
   * How far from the last byte given so far an attack may stand that is not seen yet. Bytes of the body. Readers report
   * 8 KiB of a value at a time, escapes resolved: six bytes for one in JSON (`\u003c`), twelve in XML (`&#x0000003c;`),
   * as many in a part that is XML; the rest is blocks on the way and one step.
   */
  get lagBytes(): number {
    return this.#lagBytes;
  }

  /** Chooses the reader, by type and coding. */
  #open(): void {
    this.#isOpen = true;
    const request = this.#request!;
    const waf = this.#waf!;
    const type = readContentType(request.fieldText(F.contentType));
    if (typeof type === "string") {
      this.#refuse("content_type", type);
      return;
    }
    if (
      type !== noContentType &&
      waf.denyUnknownContentTypes &&
      !matchesAllowList(type.essence, waf.allowed)
    ) {
      this.#refuse("content_type", "ct_unknown");
      return;
    }
    this.#openReader(type, waf);
    const codingText = request.fieldText(F.contentEncoding);
    const isShort = request.bodyKind === BODY_LENGTH && request.bodyLength < ENTROPY_BODY_BYTES;
    if (!waf.entropyCheck || (isShort && codingText === undefined)) this.#entropyOf = "nothing";
    if (codingText === undefined) return;
    const coding = contentCoding(codingText);
    if (coding === undefined) this.#refuse("coding", "coding_unsupported");
    else if (coding !== "identity") {
      this.#decoder = new CodingDecoder(
        coding,
        { outputMaxBytes: waf.maxBodyBytes },
        {
          slice: (bytes, start, end) => this.#readSlice(bytes, start, end),
          drained: () => {
            if (!this.#isCalled) this.#events?.drained();
          },
          ended: (reason) => this.#endDecoding(reason),
        },
      );
    }
  }

  #openReader(type: ContentType, waf: RouteWaf): void {
    this.#gate = "content_type";
    this.#hasBlocks = false;
    this.#blockEnd = 0;
    this.#isFirstBlock = true;
    this.#lagBytes = LAG_BYTES;
    this.#samples.isReport = type.family === "report";
    switch (type.family) {
      case "json":
      case "report":
        this.#lagBytes = JSON_LAG_BYTES;
        this.#gate = "json";
        this.#reader = this.#openJson(waf.json);
        this.#entropyOf = "strings";
        return;
      case "form":
        this.#form ??= new FormReader(this.#sink, defaultFormLimits, this.#seed);
        this.#form.reset();
        this.#reader = this.#form;
        this.#entropyOf = "all";
        return;
      case "multipart":
        this.#lagBytes = XML_LAG_BYTES;
        if (type.essence === "multipart/form-data") {
          const readerOf = (part: PartFacts) => this.#partReader(part, waf);
          this.#parts ??= new RepeatedParts(this.#seed);
          this.#parts.clear();
          this.#reader = new MultipartReader(type.boundary, this.#sink, undefined, readerOf, this.#parts);
          this.#entropyOf = "parts";
        } else this.#openOctets();
        return;
      case "xml":
        this.#lagBytes = XML_LAG_BYTES;
        this.#reader = this.#openXml();
        this.#entropyOf = "all";
        return;
      case "graphql":
        this.#lagBytes = JSON_LAG_BYTES;
        this.#reader = this.#openGraphql();
        this.#hasBlocks = true;
        this.#entropyOf = "all";
        return;
      case "text":
      case "none":
        this.#reader = this.#openText();
        // `curl -T` sends pictures and archives without a type.
        this.#entropyOf = type.family === "none" && waf.takesOctets ? "nothing" : "all";
        this.#hasBlocks = true;
        this.#guess = this.#openJson(defaultJsonLimits);
        return;
      case "grpc":
        // The text form of gRPC-Web is base64, which the detectors undo.
        if (type.essence.includes("-text")) this.#openOctets();
        else this.#openGrpc(waf);
        return;
      default:
        this.#openOctets();
    }
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

  #openOctets(): void {
    this.#octets ??= new TextReader(this.#sink, WINDOW_BYTES, OVERLAP_BYTES, BODY_BYTES);
    this.#octets.reset();
    this.#reader = this.#octets;
  }

  #openGrpc(waf: RouteWaf): void {
    this.#grpc ??= new GrpcReader(this.#sink, WINDOW_BYTES, OVERLAP_BYTES, {
      message: () => {
        if (!this.#verdict.refused) this.#inspector!.nextMessage();
      },
      ready: (reason) => this.#goOn(reason),
    });
    this.#grpc.reset();
    this.#grpc.messageBytesMax = waf.maxBodyBytes;
    const encoding = grpcEncoding(this.#request!);
    const coding = encoding === undefined ? undefined : contentCoding(encoding);
    if (coding !== undefined && coding !== "identity") {
      this.#grpc.coding = coding;
      // Nobody can say how far into a compressed message the inspection has come.
      this.#lagBytes = Infinity;
    }
    this.#reader = this.#grpc;
  }

  #openGraphql(): Reader {
    const graphql = this.#queries.reader(this.#waf!.graphql);
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

  /** Reads bytes after content decoding, up to the limit: what follows it changes nothing before it. */
  #read(bytes: Uint8Array, start: number, end: number): void {
    const to = Math.min(end, start + this.#waf!.maxBodyBytes - this.#bytes);
    if (this.#entropyOf === "all") this.#entropy.add(bytes, start, to);
    this.#bytes += to - start;
    if (this.#hasBlocks) this.#fillBlocks(bytes, start, to);
    else this.#pass(bytes, start, to);
    if (to < end) this.#refuse("body_size", "body_size");
  }

  /** Two readers take turns: in blocks that do not depend on the chunks, or their findings would. */
  #fillBlocks(bytes: Uint8Array, start: number, end: number): void {
    const block = (this.#block ??= Buffer.allocUnsafeSlow(BLOCK_BYTES));
    for (let at = start; at < end && !this.#verdict.refused; ) {
      const count = Math.min(end - at, BLOCK_BYTES - this.#blockEnd);
      block.set(bytes.subarray(at, at + count), this.#blockEnd);
      this.#blockEnd += count;
      at += count;
      if (this.#blockEnd === BLOCK_BYTES) this.#endBlock();
    }
  }

  #endBlock(): void {
    const end = this.#blockEnd;
    this.#blockEnd = 0;
    if (this.#isFirstBlock && isCompressed(this.#block!, end)) this.#entropyOf = "nothing";
    this.#isFirstBlock = false;
    // JSON first: its values are the better places for findings.
    if (this.#guess?.write(this.#block!, 0, end) !== undefined) this.#guess = undefined;
    this.#pass(this.#block!, 0, end);
  }

  #pass(bytes: Uint8Array, start: number, end: number): void {
    if (start >= end || this.#verdict.refused) return;
    const reason = this.#reader!.write(bytes, start, end);
    if (typeof reason !== "string") return;
    this.#refuse(this.#reader === this.#grpc ? grpcGate(reason as GrpcReason) : this.#gate, reason);
  }

  #readSlice(bytes: Uint8Array, start: number, end: number): boolean {
    this.#read(bytes, start, end);
    if (this.#verdict.refused) this.#tellRefusal();
    return true;
  }

  #endDecoding(reason: CodingReason | undefined): void {
    if (reason === undefined) this.#finish();
    else {
      this.#refuse("coding", reason);
      this.#tellRefusal();
    }
  }

  /** The reader of gRPC is no longer busy. */
  #goOn(reason: GrpcReason | undefined): void {
    if (reason !== undefined) this.#refuse(grpcGate(reason), reason);
    if (this.#verdict.refused) this.#tellRefusal();
    else this.#events?.drained();
  }

  #tellRefusal(): void {
    this.#decoder?.close();
    this.#decoder = undefined;
    if (this.#done !== undefined) this.#finish();
    else if (!this.#isCalled) this.#events?.refused();
  }

  #finish(): void {
    if (!this.#verdict.refused && this.#bytes > 0) {
      if (this.#blockEnd > 0) this.#endBlock();
      this.#guess?.end();
      const reason = this.#reader?.end();
      if (typeof reason === "string") this.#refuse(this.#gate, reason);
      this.#checkEntropy();
    }
    const done = this.#done;
    this.close();
    done?.(this.#verdict);
  }

  #checkEntropy(): void {
    const { entropyCheck, entropyThreshold } = this.#waf!;
    if (!entropyCheck || this.#entropyOf === "nothing" || this.#bytes < ENTROPY_BODY_BYTES) return;
    const wanted = this.#entropyOf === "all" ? ENTROPY_BODY_BYTES : ENTROPY_STRING_BYTES;
    if (this.#entropy.total >= wanted && this.#entropy.exceeds(entropyThreshold))
      this.#refuse("entropy", "entropy");
  }

  /** Every value of the body. The first refusal counts, wherever it is made: that keeps chunks out of it. */
  #take(bytes: Uint8Array, start: number, end: number, place: Place): void {
    if (this.#verdict.refused) return;
    const inspector = this.#inspector!;
    const { kind } = place;
    const from = start + place.repeated;
    if (kind === JSON_STRING && this.#samples.isReport) this.#samples.string(start, end, place);
    if ((kind === BODY_BYTES || kind === BODY_TEXT) && isBinary(bytes, start, end))
      reportTexts(bytes, start, end, place, inspector);
    else if (kind === JSON_KEY) this.#takeName(this.#cleanKeys, bytes, start, end, place);
    else if (kind === FORM_NAME) this.#takeName(this.#cleanFields, bytes, start, end, place);
    else if (place.kind === JSON_STRING && this.#bytes > REPEATS_FROM_BYTES)
      this.#strings.take(inspector, bytes, start, end, place);
    else inspector.value(bytes, start, end, place);
    if (inspector.refused) {
      this.#refuse(inspectorGate(inspector, this.#waf!.profile.threshold), topRule(inspector));
      return;
    }
    if (kind === JSON_KEY || kind === JSON_STRING) {
      if (this.#entropyOf === "strings") this.#entropy.add(bytes, from, end);
      if (kind === JSON_STRING)
        this.#check(this.#queries.string(this.#waf!.graphql, bytes, start, end, place));
      else if (!place.goesOn) {
        this.#queries.key(bytes, start, end);
        if (this.#samples.isReport) this.#samples.key(bytes, start, end);
      }
    } else if (kind === PART_TEXT && this.#entropyOf === "parts") this.#entropy.add(bytes, from, end);
    else if (kind === FORM_NAME) this.#queries.name(bytes, start, end);
    else if (kind === FORM_VALUE)
      this.#check(this.#queries.parameter(this.#waf!.graphql, bytes, start, end, place));
  }

  #takeName(clean: CleanValues, bytes: Uint8Array, start: number, end: number, place: Place): void {
    if (clean.has(bytes, start, end)) return;
    const inspector = this.#inspector!;
    inspector.value(bytes, start, end, place);
    if (inspector.detections === 0 && !inspector.done) clean.add(bytes, start, end);
  }

  #check(reason: GraphqlReason | undefined): void {
    if (reason !== undefined) this.#refuse("content_type", reason);
  }

  #refuse(gate: WafGate, detail: string): void {
    if (this.#verdict.refused) return;
    this.#verdict.refused = true;
    this.#verdict.gate = gate;
    this.#verdict.detail = detail;
  }
}

/** Of a binary message: read like a body of an unknown type. */
const messageBytes: ContentType = { ...noContentType, family: "octet" };

/** As gRPC's statuses tell them apart: what nobody undoes, what is too large, and what is broken. */
function grpcGate(reason: GrpcReason): WafGate {
  if (reason === "grpc_compressed") return "coding";
  return reason === "decompress_cap" || reason === "ratio_cap" ? "body_size" : "content_type";
}

interface Reader {
  /** A text is a reason, and final. */
  write(bytes: Uint8Array, start: number, end: number): unknown;
  end(): unknown;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** As the inspector's own windows, so that none is cut again. */
const OVERLAP_BYTES = 1024;
const BLOCK_BYTES = 8192;
const LAG_BYTES = 32_768;
const JSON_LAG_BYTES = 65_536;
const XML_LAG_BYTES = 131_072;
/** Fewer bytes say nothing about their distribution. */
const ENTROPY_BODY_BYTES = 256;
const ENTROPY_STRING_BYTES = 128;
/** Shorter bodies seldom repeat their strings. */
const REPEATS_FROM_BYTES = 16_384;
