/** One way to write an attack differently that applications undo, or databases, shells and browsers do not mind. */
export interface Mutation {
  readonly name: string;
  /** Latin-1 text in and out. The same text: there is nothing to change. */
  readonly apply: (text: string) => string;
}

/** How attackers vary what is known: letters, white space, escapes, words around it. */
export const mutations: readonly Mutation[] = [
  { name: "as it is", apply: (text) => text },
  { name: "upper case", apply: (text) => text.toUpperCase() },
  { name: "mixed case", apply: (text) => text.replace(/[a-z]/gi, mixed) },
  { name: "tabs", apply: (text) => text.replaceAll(" ", "\t") },
  { name: "line ends", apply: (text) => text.replaceAll(" ", "\r\n") },
  { name: "comments", apply: (text) => text.replaceAll(" ", "/**/") },
  { name: "percent-encoded", apply: (text) => text.replace(/[^\w]/g, percent) },
  { name: "percent-encoded twice", apply: (text) => text.replace(/[^\w]/g, percent).replaceAll("%", "%25") },
  { name: "HTML entities", apply: (text) => text.replace(/["'<>&()]/g, entity) },
  { name: "escapes of JavaScript", apply: (text) => text.replace(/["'<>&();\s]/g, unicode) },
  { name: "among other words", apply: (text) => `have a look at ${text} please` },
];

function mixed(letter: string, at: number): string {
  return at % 2 === 0 ? letter.toLowerCase() : letter.toUpperCase();
}

function hex(char: string, digits: number): string {
  return char.charCodeAt(0).toString(16).padStart(digits, "0");
}

function percent(char: string): string {
  return `%${hex(char, 2)}`;
}

function entity(char: string): string {
  return `&#${char.charCodeAt(0)};`;
}

function unicode(char: string): string {
  return `\\u${hex(char, 4)}`;
}
