/** A text as a TOML string. A JSON string is one, but for DEL, which TOML wants escaped. */
export function tomlText(text: string): string {
  return JSON.stringify(text).replaceAll("\x7f", "\\u007f");
}
