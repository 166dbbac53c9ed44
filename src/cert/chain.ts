/** The certificates of a PEM file one by one, in its order. Throws on none, or on one that does not end. */
export function splitChain(pem: string): readonly string[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  const begins = pem.split("-----BEGIN CERTIFICATE-----").length - 1;
  if (begins === 0) throw new Error("it holds no PEM certificate");
  if (begins !== blocks.length) throw new Error("a PEM block has no end");
  return blocks;
}
