/** A PROXY header of version 2 with any command, family and payload (hex). */
export function proxyV2(command: number, family: number, payload: string): Buffer {
  const bytes = Buffer.from(payload, "hex");
  const head = Buffer.from("\r\n\r\n\0\r\nQUIT\n....", "latin1");
  head[12] = command;
  head[13] = family;
  head.writeUInt16BE(bytes.length, 14);
  return Buffer.concat([head, bytes]);
}
