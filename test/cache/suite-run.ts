import type { OriginRequest } from "../support/origin.ts";
import { ask, type RawAnswer } from "../support/raw-client.ts";
import { requestText } from "./cached-route.ts";
import { type SuiteCase, suiteCases } from "./suite.cases.ts";

/** The origin of the suite: `/N` is answered as case N says. */
export interface SuiteOrigin {
  /** What `DATE+0` stands for. */
  readonly nowMs: number;
  /** What was asked, by path. */
  readonly counts: ReadonlyMap<string, { readonly plain: number; readonly conditional: number }>;
  answer(request: Pick<OriginRequest, "method" | "target" | "fields">): string;
}

/** What a cache made of a case. */
export interface SuiteResult {
  readonly did: SuiteCase["expect"];
  /** Undefined = nothing. */
  readonly wrong: string | undefined;
}

export function suiteOrigin(): SuiteOrigin {
  const nowMs = Date.now();
  const counts = new Map<string, { plain: number; conditional: number }>();
  const answerText = (
    status: number,
    fields: readonly string[],
    body: string | undefined,
    method: string,
  ): string => {
    const length = body === undefined ? "" : `Content-Length: ${body.length}\r\n`;
    const lines = fields.map((line) => `${dated(line, nowMs)}\r\n`).join("");
    return `HTTP/1.1 ${status} Any\r\n${lines}${length}\r\n${method === "HEAD" ? "" : (body ?? "")}`;
  };
  return {
    nowMs,
    counts,
    answer({ method, target, fields }) {
      const index = Number(/^\/(?:elsewhere)?(\d+)$/.exec(target)?.[1]);
      const one = suiteCases[index];
      if (one === undefined) return "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
      if (one.between?.method === method)
        return answerText(
          one.between.status,
          one.between.answer.map((line) => line.replace("PATH", `/${index}`)),
          "",
          method,
        );
      const seen = counts.get(target) ?? { plain: 0, conditional: 0 };
      counts.set(target, seen);
      const first = seen.plain + seen.conditional === 0;
      const isConditional = fields.some(([name]) => name === "if-none-match" || name === "if-modified-since");
      if (isConditional && !first && one.fails === undefined) {
        seen.conditional++;
        return answerText(
          304,
          [...one.answer.filter((line) => /^(?:etag)/i.test(line)), ...(one.renews ?? [])],
          undefined,
          method,
        );
      }
      seen.plain++;
      if (!first && one.fails !== undefined) return answerText(one.fails, [], "fail", method);
      const status = one.status ?? 200;
      return answerText(status, one.answer, status === 204 ? undefined : first ? "1st!" : "2nd!", method);
    },
  };
}

/** Both requests of a case, at a cache on `port` with a suite's origin behind it. Judged by what the origin saw. */
export async function runSuiteCase(
  port: number,
  index: number,
  { counts, nowMs }: Pick<SuiteOrigin, "counts" | "nowMs">,
): Promise<SuiteResult> {
  const one = suiteCases[index]!;
  const send = (
    fields: readonly string[] | undefined,
    method = "GET",
    path = `/${index}`,
  ): Promise<RawAnswer> => {
    const text = requestText(path, {}, method).replace(
      /\r\n$/,
      (fields ?? []).map((line) => `${dated(line, nowMs)}\r\n`).join(""),
    );
    return ask(port, `${text}${/^P|DELETE/.test(method) ? "Content-Length: 0\r\n" : ""}\r\n`, { method });
  };
  await send(one.asks, one.firstMethod);
  if (one.between !== undefined)
    await send(
      [],
      one.between.method,
      one.between.at === undefined ? `/${index}` : `${one.between.at}${index}`,
    );
  const second = await send(one.again, one.method);
  const { plain, conditional } = counts.get(`/${index}`) ?? { plain: 0, conditional: 0 };
  const did = second.body.toString() === "2nd!" || plain > 1 ? "miss" : conditional > 0 ? "validated" : "hit";
  return { did, wrong: wrongIn(one, second, did, nowMs) };
}

function wrongIn(
  one: SuiteCase,
  second: RawAnswer,
  did: SuiteCase["expect"],
  nowMs: number,
): string | undefined {
  // What is refreshed behind the client's back comes a moment later, and is none of its business.
  const isBehind = one.answer.some((line) => line.includes("stale-while-revalidate")) && one.expect === "hit";
  if (!isBehind && did !== one.expect && one.fails === undefined) return `${did}, not ${one.expect}`;
  if (one.fails !== undefined && second.status !== (one.expect === "hit" ? 200 : one.fails))
    return `status ${second.status}`;
  if (isBehind && second.body.toString() !== "1st!") return "it waited";
  const status = one.shown ?? (one.fails === undefined ? (one.status ?? 200) : second.status);
  if (one.method !== "OPTIONS" && second.status !== status) return `status ${second.status}, not ${status}`;
  for (const shown of one.shows ?? []) {
    const values = second.fields
      .filter(([name]) => name === shown.replace(/^-|:.*/g, ""))
      .map(([, value]) => value);
    if (shown.startsWith("-")) {
      if (values.length > 0) return `has ${shown.slice(1)}`;
      continue;
    }
    const wanted = dated(shown.slice(shown.indexOf(": ") + 2), nowMs);
    const fits = (value: string) =>
      wanted.endsWith("*") ? value.startsWith(wanted.slice(0, -1)) : value === wanted;
    if (values.length !== 1 || !fits(values[0]!)) return `${shown}: ${JSON.stringify(values)}`;
  }
  return undefined;
}

function dated(text: string, nowMs: number): string {
  return text.replace(/DATE([+-]\d+)/, (_, offset: string) =>
    new Date(nowMs + Number(offset) * 1000).toUTCString(),
  );
}
