import { GET, HEAD } from "../http/request.ts";

/** Pages of the gateway itself that `expose_internal` puts on the listeners of clients. */
export const pageNames = ["/metrics", "/_zion/snapshot.json"] as const;
export type PageName = (typeof pageNames)[number];

/** A page as the primary prints it: a good answer of its telemetry or admin listener. */
export interface Page {
  readonly type: string;
  readonly body: Uint8Array;
}

export interface PageSource {
  /** Undefined: not to be had in time. `accept` is the client's field. Never rejects. */
  ask(name: PageName, accept: string): Promise<Page | undefined>;
}

export function pageOf(path: string): PageName | undefined {
  return pageNames.find((name) => name === path);
}

/** As bits, for `Allow`. */
export const pageMethods = (1 << GET) | (1 << HEAD);

/** Fields of a page's answer: whole lines. */
export function pageLines({ type }: Page): string {
  return `Content-Type: ${type}\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n`;
}
