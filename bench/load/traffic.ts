/** One request as a browser or an API client sends it; the same bytes go through every candidate. */
export interface Traffic {
  readonly method: "GET" | "POST";
  readonly target: string;
  readonly fields: readonly (readonly [name: string, value: string])[];
  readonly body: string;
  /** What the origin answers. */
  readonly answerBytes: number;
}

/** Answered by the origin with 150 bytes of JSON. The query is a plausible one, not a minimal one. */
export const getSmall: Traffic = {
  method: "GET",
  target: "/api/items?page=2&sort=price&dir=asc&category=garden-tools&utm_source=newsletter",
  fields: browserFields(),
  body: "",
  answerBytes: 150,
};

/** Answered with a 10 kB file. */
export const getLarge: Traffic = {
  ...getSmall,
  target: "/files/page-10k.html?v=20240611",
  answerBytes: 10_240,
};

/** 1,024 bytes of JSON, answered like `getSmall`. */
export const postSmall: Traffic = {
  ...getSmall,
  method: "POST",
  target: "/sink/orders?client=web&build=4711",
  body: orderBody(1024),
  fields: [
    ...browserFields().filter(([name]) => name !== "Upgrade-Insecure-Requests"),
    ["Content-Type", "application/json"],
    ["Content-Length", "1024"],
  ],
};

/** The whole request as bytes on the wire. `extra` fields come last. */
export function printRequest(
  traffic: Traffic,
  authority: string,
  extra: readonly (readonly [string, string])[] = [],
): string {
  const lines = [`${traffic.method} ${traffic.target} HTTP/1.1`, `Host: ${authority}`];
  for (const [name, value] of [...traffic.fields, ...extra]) lines.push(`${name}: ${value}`);
  return `${lines.join("\r\n")}\r\n\r\n${traffic.body}`;
}

/** With Host 14 fields and about 900 bytes of head: what a desktop browser sent in the corpora. */
function browserFields(): readonly (readonly [string, string])[] {
  return [
    ["Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"],
    ["Accept-Encoding", "gzip, deflate, br, zstd"],
    ["Accept-Language", "en-GB,en;q=0.9,de-DE;q=0.8,de;q=0.7"],
    ["Cache-Control", "max-age=0"],
    [
      "Cookie",
      "session=4f1c2a9be07d4d6c8b35; theme=dark; consent=a1b0c1; _ga=GA1.1.1234567890.1717171717; cart=c2t1PUdULTEwMDEmcXR5PTI7c2t1PUdULTEwMDc; lang=en-GB; seen=hero,spring-sale,newsletter",
    ],
    ["Referer", "https://localhost/api/items?page=1&sort=price"],
    ["Sec-CH-UA", '"Chromium";v="126", "Google Chrome";v="126", "Not-A.Brand";v="8"'],
    ["Sec-CH-UA-Platform", '"Linux"'],
    ["Sec-Fetch-Dest", "document"],
    ["Sec-Fetch-Mode", "navigate"],
    ["Sec-Fetch-Site", "same-origin"],
    ["Upgrade-Insecure-Requests", "1"],
    [
      "User-Agent",
      "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
    ],
  ];
}

function orderBody(bytes: number): string {
  const items: unknown[] = [];
  for (let line = 1; line <= 8; line++) {
    items.push({ sku: `GT-${1000 + line}`, qty: line, price: line * 1.25, name: `Garden tool no ${line}` });
  }
  const order = { customer: "c-20871", currency: "EUR", express: true, items, note: "" };
  const missing = bytes - JSON.stringify(order).length;
  if (missing < 0) throw new Error("the order is larger than the body it should fill");
  return JSON.stringify({ ...order, note: "leave it with the neighbour ".repeat(40).slice(0, missing) });
}
