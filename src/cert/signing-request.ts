import { type KeyObject, sign } from "node:crypto";
import { bitString, contextTag, integer, objectId, sequence, set } from "./der.ts";
import { pem, subjectAltName } from "./self-signed.ts";

/**
 * A PKCS #10 request (RFC 2986) for a certificate with these names, signed with the key that it is for. The subject is
 * empty: CAs take the names from subjectAltName (RFC 8555 §7.4). Throws on names that are neither DNS names nor
 * addresses.
 */
export function makeSigningRequest(
  names: readonly string[],
  privateKey: KeyObject,
  publicKey: KeyObject,
): string {
  const info = sequence(
    integer(Buffer.from([0])),
    sequence(),
    publicKey.export({ type: "spki", format: "der" }),
    contextTag(0, sequence(objectId(extensionRequest), set(sequence(subjectAltName(names))))),
  );
  const isRsa = privateKey.asymmetricKeyType === "rsa";
  const signature = sign("sha256", info, isRsa ? privateKey : { key: privateKey, dsaEncoding: "der" });
  return pem(
    "CERTIFICATE REQUEST",
    sequence(info, isRsa ? rsaWithSha256 : ecdsaWithSha256, bitString(signature, 0)),
  );
}

const extensionRequest = "1.2.840.113549.1.9.14";
const ecdsaWithSha256 = sequence(objectId("1.2.840.10045.4.3.2"));
/** Its parameters are NULL, which must be there (RFC 4055 §5). */
const rsaWithSha256 = sequence(objectId("1.2.840.113549.1.1.11"), Buffer.from([0x05, 0x00]));
