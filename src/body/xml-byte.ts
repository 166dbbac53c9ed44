/** Bits of `byteClass` entries. */
export const CONTROL = 1;
export const WHITE = 2;
export const NAME_START = 4;
export const NAME_CHAR = 8;
/** Not white space. */
export const INK = 16;
export const STOPS_TEXT = 32;
export const STOPS_VALUE = 64;

/** What each byte can be in XML 1.0; bytes above ASCII are taken for letters. */
export const byteClass: Uint8Array = buildClasses();

function buildClasses(): Uint8Array {
  const classes = new Uint8Array(256);
  for (let byte = 0; byte < 256; byte++) {
    const char = String.fromCharCode(byte);
    let what = 0;
    if ("\t\n\r ".includes(char)) what |= WHITE;
    else if (byte < 0x20) what |= CONTROL | STOPS_TEXT | STOPS_VALUE;
    else what |= INK;
    if (byte >= 0x80 || /[A-Za-z_:]/.test(char)) what |= NAME_START | NAME_CHAR;
    if (/[0-9.-]/.test(char)) what |= NAME_CHAR;
    if (char === "<" || char === "&") what |= STOPS_TEXT | STOPS_VALUE;
    if (char === '"' || char === "'") what |= STOPS_VALUE;
    classes[byte] = what;
  }
  return classes;
}
