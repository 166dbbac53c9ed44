import type { Detection, Detector, Subject } from "../detection.ts";
import { DOTNET_TRIGGERS, findDotnetStream, findDotnetType } from "./dotnet.ts";
import { findPickle, PICKLE_TRIGGERS } from "./python.ts";

const JAVA_MAGIC = "\xac\xed\0\x05";

/**
 * Serialised objects that create what they name when they are read. One detector for all languages: each more makes the
 * tables of all values longer.
 */
export const serialized: Detector = {
  name: "serialized",
  kinds: {
    "java.serialized_object": "a serialised Java object, raw, in hex or in base64",
    "dotnet.serialized_object":
      "a .NET object as BinaryFormatter writes it, of types that run code, in base64 or in hex",
    "dotnet.gadget_type": "the name of a .NET type, with its assembly, whose creation runs code",
    "python.pickle": "a pickled Python object that calls a function of the system, raw or in base64",
  },
  triggers: [
    ...[JAVA_MAGIC, "ro0abx", "aced00057"],
    ...["aaeaaad/////", "aaeaaad_____", "0001000000ffffffff01"],
    ...DOTNET_TRIGGERS,
    ...PICKLE_TRIGGERS,
  ],
  detect(subject, found) {
    findJava(subject, found);
    findDotnetStream(subject, found);
    findDotnetType(subject, found);
    findPickle(subject, found);
  },
};

/**
 * Stream magic and version of ObjectOutputStream, then the type code of the first object (0x70..0x7e). Inside a longer run
 * of base64 the letters are chance: a picture may hold any six of them.
 */
const JAVA = new RegExp(`(?<![A-Za-z0-9+])(?:${JAVA_MAGIC}|rO0ABX|[aA][cC][eE][dD]00057)`);
function findJava({ text }: Subject, found: Detection[]): void {
  const match = JAVA.exec(text);
  if (match === null) return;
  found.push({ kind: "java.serialized_object", start: match.index, end: match.index + match[0].length });
}
