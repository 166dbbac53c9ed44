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

/** Answered with a file of 1 MB. */
export const getHuge: Traffic = {
  ...getSmall,
  target: "/files/page-1m.html?v=20240611",
  answerBytes: 1_048_576,
};

/** 1,024 bytes of JSON, answered like `getSmall`. */
export const postSmall: Traffic = {
  ...getSmall,
  method: "POST",
  target: "/sink/orders?client=web&build=4711",
  body: orderBody(1024),
  fields: postFields("application/json", 1024),
};

/** The head of a navigation with a search: with Host 15 fields, cookies, and a query of three parameters. */
export const wafGet: Traffic = {
  ...getSmall,
  target: "/api/items?page=2&sort=price-asc&q=garden+hose+5m",
  fields: [...browserFields(), ["Sec-Fetch-User", "?1"]],
};

/** 1,024 bytes of JSON with 20 leaf values. */
export const wafPostJson: Traffic = post("application/json", jsonOrder());

/** 1,024 bytes of a form with the same 20 values. */
export const wafPostForm: Traffic = post("application/x-www-form-urlencoded", formOrder());

/** 10 MB of JSON: some 30,000 orders. Made on first use: few runs need it. */
export function uploadTraffic(): Traffic {
  return (uploaded ??= post(
    "application/json",
    manyOrders(10_000_000),
    "/sink/import?client=web&build=4711",
  ));
}
let uploaded: Traffic | undefined;

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

/** A POST of `body`, ASCII, answered like `getSmall`. */
export function post(type: string, body: string, target: string = postSmall.target): Traffic {
  return { ...getSmall, method: "POST", target, body, fields: postFields(type, body.length) };
}

function postFields(type: string, bytes: number): readonly (readonly [string, string])[] {
  return [
    ...browserFields().filter(([name]) => name !== "Upgrade-Insecure-Requests"),
    ["Content-Type", type],
    ["Content-Length", String(bytes)],
  ];
}

/** Names and values of an order with a note of `noteChars`. */
function orderFields(
  noteChars: number,
): readonly (readonly [name: string, value: string | number | boolean])[] {
  return [
    ["customer", "c-20871"],
    ["channel", "web"],
    ["currency", "EUR"],
    ["express", true],
    ["email", "ada.lovelace@example.org"],
    ["name", "Ada Lovelace"],
    ["street", "12 St James's Square"],
    ["city", "London"],
    ["zip", "SW1Y 4LB"],
    ["country", "GB"],
    ["phone", "+44 20 7946 0018"],
    ["sku1", "GT-1001"],
    ["qty1", 2],
    ["price1", 24.9],
    ["title1", "Garden hose 5m, green"],
    ["sku2", "GT-1007"],
    ["qty2", 1],
    ["price2", 118.5],
    ["title2", 'Wheelbarrow, 80 l, with 16" wheel'],
    ["note", "Please leave it with the neighbour, thank you. ".repeat(20).slice(0, noteChars)],
  ];
}

/** Address and items as objects of their own, as an API would have them. */
function jsonOrder(): string {
  return filled(1024, (noteChars) => {
    const fields = orderFields(noteChars);
    const part = (from: number, to: number): object =>
      Object.fromEntries(fields.slice(from, to).map(([name, value]) => [name.replace(/\d$/, ""), value]));
    const order = {
      ...part(0, 4),
      address: part(4, 11),
      items: [part(11, 15), part(15, 19)],
      ...part(19, 20),
    };
    return JSON.stringify(order);
  });
}

function formOrder(): string {
  return filled(1024, (noteChars) =>
    new URLSearchParams(
      orderFields(noteChars).map(([name, value]): [string, string] => [name, String(value)]),
    ).toString(),
  );
}

/** `make` with the note that makes it `bytes` long; a character of the note may take more than one byte. */
function filled(bytes: number, make: (noteChars: number) => string): string {
  for (let noteChars = 0; noteChars < bytes; noteChars++) {
    const text = make(noteChars);
    if (text.length === bytes) return text;
  }
  throw new Error(`no note makes ${bytes} B`);
}

function manyOrders(bytes: number): string {
  const orders: string[] = [];
  let length = '{"note":"","orders":[]}'.length;
  for (let id = 0; ; id++) {
    const order = JSON.stringify({
      id,
      name: "Ada Lovelace",
      email: `ada${id}@example.org`,
      active: id % 3 > 0,
      balance: 1234.5 + id,
      tags: ["garden", "retail", `region-${id % 17}`],
      address: { street: `${id % 90} St James's Square`, city: "London", zip: "SW1Y 4LB" },
      comment: "Please leave the parcel with the neighbour, thank you very much.",
      created: "2025-01-02T03:04:05.678Z",
    });
    if (length + order.length + 1 > bytes) break;
    length += order.length + 1;
    orders.push(order);
  }
  // One comma fewer than orders.
  const note = "x".repeat(bytes - length + 1);
  return `{"note":"${note}","orders":[${orders.join(",")}]}`;
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
