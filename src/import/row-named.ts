/** The entry of a table for a word of the input, which may be `constructor`: every object has one, and none of ours is it. */
export function rowNamed<T>(rows: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(rows, name) ? rows[name] : undefined;
}
