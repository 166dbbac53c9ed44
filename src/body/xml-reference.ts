/** The code point that `&reference;` stands for, or -1. Characters that XML 1.0 §2.2 does not have are none. */
export function referenceCode(reference: string): number {
  const entity = entities.get(reference);
  if (entity !== undefined) return entity;
  const isHex = reference.startsWith("#x");
  if (!(isHex ? /^#x[0-9A-Fa-f]+$/ : /^#[0-9]+$/).test(reference)) return -1;
  const code = Number.parseInt(reference.slice(isHex ? 2 : 1), isHex ? 16 : 10);
  if (code < 0x20 && code !== 9 && code !== 10 && code !== 13) return -1;
  return code > 0x10ffff || (code >= 0xd800 && code < 0xe000) || code === 0xfffe || code === 0xffff
    ? -1
    : code;
}

const entities: ReadonlyMap<string, number> = new Map([
  ["lt", 60],
  ["gt", 62],
  ["amp", 38],
  ["apos", 39],
  ["quot", 34],
]);
