/**
 * Charsets in which every ASCII byte is the ASCII character and no other byte is: only those can be inspected as bytes.
 * In UTF-7, UTF-16, EBCDIC (ibm037, cp500) and the multi-byte sets of Asia (shift_jis, gbk, big5, …) an attack is
 * spelled in other bytes, or a byte of an innocent character is a quote or a backslash: those are refused, and so is
 * every name not known here.
 */
const labels: Readonly<Record<string, readonly string[]>> = {
  "utf-8": ["utf8", "unicode-1-1-utf-8"],
  "us-ascii": ["ascii", "ansi_x3.4-1968", "iso646-us"],
  "iso-8859-1": ["iso8859-1", "iso_8859-1", "latin1", "latin-1", "l1"],
  "iso-8859-2": ["iso8859-2", "latin2"],
  "iso-8859-3": ["iso8859-3", "latin3"],
  "iso-8859-4": ["iso8859-4", "latin4"],
  "iso-8859-5": ["iso8859-5"],
  "iso-8859-7": ["iso8859-7"],
  "iso-8859-8": ["iso8859-8"],
  "iso-8859-9": ["iso8859-9", "latin5"],
  "iso-8859-10": ["iso8859-10", "latin6"],
  "iso-8859-13": ["iso8859-13"],
  "iso-8859-14": ["iso8859-14"],
  "iso-8859-15": ["iso8859-15", "latin-9", "latin9"],
  "iso-8859-16": ["iso8859-16"],
  "windows-1250": ["cp1250"],
  "windows-1251": ["cp1251"],
  "windows-1252": ["cp1252"],
  "windows-1253": ["cp1253"],
  "windows-1254": ["cp1254"],
  "windows-1255": ["cp1255"],
  "windows-1256": ["cp1256"],
  "windows-1257": ["cp1257"],
  "windows-1258": ["cp1258"],
  "koi8-r": [],
  "koi8-u": [],
};

const nameByLabel: ReadonlyMap<string, string> = new Map(
  Object.entries(labels).flatMap(([name, others]) =>
    [name, ...others].map((label) => [label, name] as const),
  ),
);

/** Name of the charset that `label` (of any case) stands for, or undefined when it cannot be inspected as bytes. */
export function inspectableCharset(label: string): string | undefined {
  return nameByLabel.get(label.toLowerCase());
}
