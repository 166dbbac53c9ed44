import { CookieReader, type CookieReason } from "../body/cookie.ts";
import { defaultFormLimits, FormReader, type FormReason } from "../body/form.ts";
import { defaultGraphqlLimits, type GraphqlLimits, type GraphqlReason } from "../body/graphql.ts";
import {
  COOKIE_NAME,
  HEADER,
  PATH,
  Place,
  type PlaceNamer,
  QUERY_NAME,
  QUERY_VALUE,
  type ValueSink,
} from "../body/place.ts";
import { F } from "../http/field.ts";
import {
  type CanonicalRequest,
  FIELD_ID,
  FIELD_SLOTS,
  NAME_END,
  NAME_START,
  VALUE_END,
  VALUE_START,
} from "../http/request.ts";
import type { Inspector } from "../waf/inspector.ts";
import type { Profile } from "../waf/profile.ts";
import { CleanValues } from "./clean-values.ts";
import { GraphqlQueries } from "./graphql-queries.ts";
import { RepeatedFields } from "./repeated-fields.ts";
import { isPlainValue, isSecName } from "./waf-plain-field.ts";
import type { RouteWaf } from "./waf-settings.ts";

/** Why a head is refused that no rule refuses; `field_count`: names of fields that were made to collide. The head's own limits are tighter by default: `queryParamsMax`. */
export type HeadReason = FormReason | CookieReason | GraphqlReason | "field_count";

/**
 * Gives the values of a request head to the inspector: path, names and values of the query and of cookies, and the
 * values of all fields that are not plain (waf-plain-field.ts). Field names are tokens: nothing can be written in them.
 * One per worker; synchronous, and without allocation for a clean request.
 */
export class HeadInspection implements PlaceNamer {
  #request: CanonicalRequest | undefined;
  #inspector: Inspector | undefined;
  #graphql: GraphqlLimits = defaultGraphqlLimits;
  /** Of a GraphQL query in the address. */
  #reason: GraphqlReason | undefined;
  #nameStart = 0;
  #nameEnd = 0;
  readonly #path: Place = new Place();
  readonly #header: Place = new Place(this);
  readonly #sink: ValueSink = {
    value: (bytes, start, end, place) => this.#take(bytes, start, end, place),
  };
  readonly #joined: Buffer = Buffer.allocUnsafeSlow(8192);
  readonly #query: FormReader;
  readonly #queries: GraphqlQueries = new GraphqlQueries(this.#sink);
  readonly #repeated: RepeatedFields;
  /** Of `#profile`; 34 KiB. */
  readonly #clean: CleanValues = new CleanValues(128, 256);
  /** Names of parameters and of cookies: a site has few. Also of `#profile`. */
  readonly #cleanQueryNames: CleanValues = new CleanValues(128, 24);
  readonly #cleanCookieNames: CleanValues = new CleanValues(128, 24);
  #profile: Profile | undefined;
  readonly #cookies: CookieReader = new CookieReader(this.#sink, COOKIES_MAX);

  /** `seed`: 32 random bits that no client can learn; see NameSet. */
  constructor(seed: number) {
    this.#query = new FormReader(this.#sink, defaultFormLimits, seed, QUERY_NAME, QUERY_VALUE);
    this.#repeated = new RepeatedFields(seed);
    this.#path.kind = PATH;
    this.#header.kind = HEADER;
  }

  /** The verdict is the inspector's, which the caller has begun; a reason here refuses as well. */
  inspect(request: CanonicalRequest, waf: RouteWaf, inspector: Inspector): HeadReason | undefined {
    this.#request = request;
    this.#inspector = inspector;
    const { arena } = request;
    if (this.#profile !== waf.profile) this.#forget(waf.profile);
    inspector.ownPage = isOwnPage(request);
    this.#reportPath(arena, request.pathStart, request.pathEnd);
    // What the routes saw: other words stand side by side where `//` is merged.
    if (request.routePathStart !== request.pathStart)
      this.#reportPath(arena, request.routePathStart, request.routePathEnd);
    let reason: HeadReason | undefined;
    if (request.queryEnd - request.queryStart > 1) {
      this.#query.reset();
      this.#queries.reset();
      this.#graphql = waf.graphql;
      this.#reason = undefined;
      reason = this.#query.write(arena, request.queryStart + 1, request.queryEnd) ?? this.#query.end();
      reason ??= this.#reason;
    }
    if (reason === undefined && !inspector.done) reason = this.#readFields(request, waf, inspector);
    this.#cookies.reset();
    this.#request = undefined;
    this.#inspector = undefined;
    return reason;
  }

  /** The header that is being reported, in lower case. */
  placeName(): string {
    return this.#request!.text(this.#nameStart, this.#nameEnd).toLowerCase();
  }

  #reportPath(arena: Uint8Array, start: number, end: number): void {
    this.#path.start = 0;
    this.#path.end = end - start;
    this.#inspector!.value(arena, start, end, this.#path);
  }

  #readFields(request: CanonicalRequest, waf: RouteWaf, inspector: Inspector): HeadReason | undefined {
    const { arena, fields, fieldCount } = request;
    const { byId, sec } = waf.plainFields;
    for (let index = 0; index < fieldCount && !inspector.done; index++) {
      const slot = index * FIELD_SLOTS;
      const id = fields[slot + FIELD_ID]!;
      const start = fields[slot + VALUE_START]!;
      const end = fields[slot + VALUE_END]!;
      if (id === F.cookie) {
        const reason = this.#cookies.read(arena, start, end);
        if (reason !== undefined) return reason;
        continue;
      }
      const nameStart = fields[slot + NAME_START]!;
      const nameEnd = fields[slot + NAME_END]!;
      const isPlain = id === 0 ? sec && isSecName(arena, nameStart, nameEnd) : byId[id] === 1;
      if (isPlain && isPlainValue(arena, start, end)) continue;
      this.#nameStart = nameStart;
      this.#nameEnd = nameEnd;
      this.#header.start = 0;
      this.#header.end = end - start;
      // Few browsers make most requests, and all that a page loads has its address as referrer.
      if (id === F.userAgent || id === F.referer)
        this.#takeUsual(this.#clean, arena, start, end, this.#header);
      else inspector.value(arena, start, end, this.#header);
    }
    return inspector.done || this.#readRepeated(request, inspector) ? undefined : "field_count";
  }

  /**
   * Fields that are not known and occur more than once: servers join them with ", " (RFC 9110 §5.3), so an attack can stand
   * in two of them. Joined once, in the order of the first ones. False: the names were made to collide.
   */
  #readRepeated(request: CanonicalRequest, inspector: Inspector): boolean {
    const { arena, fields } = request;
    const repeated = this.#repeated;
    if (!repeated.read(request)) return false;
    for (let name = 0; name < repeated.names && !inspector.done; name++) {
      const first = repeated.first(name);
      if (repeated.next(first) === 0) continue;
      let end = this.#append(arena, fields, first * FIELD_SLOTS, 0);
      for (let index = repeated.next(first); index !== 0; index = repeated.next(index))
        end = this.#append(arena, fields, index * FIELD_SLOTS, end);
      this.#nameStart = fields[first * FIELD_SLOTS + NAME_START]!;
      this.#nameEnd = fields[first * FIELD_SLOTS + NAME_END]!;
      this.#header.start = 0;
      this.#header.end = end;
      inspector.value(this.#joined, 0, end, this.#header);
    }
    return true;
  }

  #append(arena: Buffer, fields: CanonicalRequest["fields"], slot: number, end: number): number {
    const joined = this.#joined;
    if (end > 0 && end + 2 <= joined.length) {
      joined[end++] = COMMA;
      joined[end++] = SPACE;
    }
    const start = fields[slot + VALUE_START]!;
    return end + arena.copy(joined, end, start, fields[slot + VALUE_END]!);
  }

  #take(bytes: Uint8Array, start: number, end: number, place: Place): void {
    const { kind } = place;
    if (kind === QUERY_NAME) {
      this.#takeUsual(this.#cleanQueryNames, bytes, start, end, place);
      this.#queries.name(bytes, start, end);
    } else if (kind === COOKIE_NAME) this.#takeUsual(this.#cleanCookieNames, bytes, start, end, place);
    else {
      this.#inspector!.value(bytes, start, end, place);
      if (kind === QUERY_VALUE && !this.#inspector!.done)
        this.#reason ??= this.#queries.parameter(this.#graphql, bytes, start, end, place);
    }
  }

  #takeUsual(clean: CleanValues, bytes: Uint8Array, start: number, end: number, place: Place): void {
    if (clean.has(bytes, start, end)) return;
    const inspector = this.#inspector!;
    inspector.value(bytes, start, end, place);
    if (inspector.detections === 0 && !inspector.done) clean.add(bytes, start, end);
  }

  /** What was clean was so for another profile. */
  #forget(profile: Profile): void {
    this.#profile = profile;
    this.#clean.clear();
    this.#cleanQueryNames.clear();
    this.#cleanCookieNames.clear();
  }
}

/** More than a head of 64 KiB can hold of any that are worth sending. */
const COOKIES_MAX = 10_000;

/** Whether the Referer is a page of the host that was asked (RFC 9110 §10.1.3). Browsers cannot be made to forge it. */
function isOwnPage({ arena, fields, firstField, hostStart, hostEnd }: CanonicalRequest): boolean {
  const slot = firstField[F.referer]! * FIELD_SLOTS;
  if (slot < 0) return false;
  const start = fields[slot + VALUE_START]!;
  const end = fields[slot + VALUE_END]!;
  // After http:// or https://.
  const from = start + (arena[start + 4] === COLON ? 7 : 8);
  const until = from + hostEnd - hostStart;
  if (until > end || arena[from - 1] !== SLASH || arena[from - 2] !== SLASH) return false;
  if (until < end && arena[until] !== SLASH) return false;
  for (let at = 0; from + at < until; at++) if (arena[from + at] !== arena[hostStart + at]) return false;
  return true;
}

const COLON = 0x3a;
const SLASH = 0x2f;
const COMMA = 0x2c;
const SPACE = 0x20;
