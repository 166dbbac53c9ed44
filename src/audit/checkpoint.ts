/** The head of a log at one size, as C2SP tlog-checkpoint writes it. */
export interface Checkpoint {
  readonly origin: string;
  readonly size: number;
  readonly root: Buffer;
}

export function checkpointText({ origin, size, root }: Checkpoint): string {
  return `${origin}\n${size}\n${root.toString("base64")}\n`;
}

/** Reads the text of an opened note; undefined if it is no checkpoint. Extension lines are allowed and passed over. */
export function parseCheckpoint(text: string): Checkpoint | undefined {
  const [origin, size, root] = text.split("\n");
  if (!origin || !size || !root || !text.endsWith("\n")) return undefined;
  if (!/^(?:0|[1-9]\d{0,15})$/.test(size) || !Number.isSafeInteger(Number(size))) return undefined;
  const bytes = Buffer.from(root, "base64");
  if (bytes.length !== 32 || bytes.toString("base64") !== root) return undefined;
  return { origin, size: Number(size), root: bytes };
}
