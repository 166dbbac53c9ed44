/** Reading JSON that somebody else wrote: what is not there, or of another type, is empty. */
export function at(value: unknown, key: string): unknown {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>)[key] : undefined;
}

export function textAt(value: unknown, key: string): string {
  const found = at(value, key);
  return typeof found === "string" ? found : "";
}

export function numberAt(value: unknown, key: string): number {
  const found = at(value, key);
  return typeof found === "number" ? found : 0;
}

export function listAt(value: unknown, key: string): readonly unknown[] {
  const found = at(value, key);
  return Array.isArray(found) ? found : [];
}
