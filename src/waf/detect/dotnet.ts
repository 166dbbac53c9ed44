import type { Detection, Detector, Subject } from "../detection.ts";
import { detectorsOf, type LinearPattern } from "./linear-pattern.ts";

/** .NET: what its formatters create objects from. Names of classes alone stand in documentation, code and traces. */

/** Types whose creation loads code, starts a process, or undoes a second serialised object. */
const GADGETS = [
  "windows\\.(?:data\\.objectdataprovider|resourcedictionary|markup\\.xamlreader|forms\\.(?:bindingsource|axhost\\+state))",
  "diagnostics\\.process(?:startinfo)?",
  "security\\.principal\\.(?:windowsidentity|windowsprincipal|genericidentity)",
  "configuration\\.(?:install\\.assemblyinstaller|settingspropertyvalue)",
  "activities\\.presentation\\.workflowdesigner",
  "data\\.services\\.internal\\.expandedwrapper",
  "web\\.(?:security\\.roleprincipal|ui\\.(?:losformatter|objectstateformatter))",
  "identitymodel\\.tokens\\.sessionsecuritytoken",
  "drawing\\.design\\.toolboxitem(?:container)?",
  "codedom\\.compiler\\.tempfilecollection",
  "io\\.(?:fileinfo|directoryinfo|filesysteminfo)",
  "runtime\\.serialization\\.formatters\\.binary\\.binaryformatter",
  "reflection\\.assembly|activator|delegateserializationholder",
  "workflow\\.componentmodel\\.serialization\\.activitysurrogateselector[+\\w]{0,40}",
].join("|");

const ASSEMBLIES = [
  "presentationframework|presentationcore|windowsbase|mscorlib|netstandard",
  "system(?:\\.(?:core|web|data|data\\.services|xml|xaml|drawing|management|configuration|configuration\\.install|codedom|security|runtime|windows\\.forms|private\\.corelib|diagnostics\\.process|io\\.filesystem|identitymodel|activities\\.presentation|workflow\\.componentmodel|security\\.principal\\.windows))?",
  "microsoft\\.(?:powershell\\.editor|identitymodel)",
].join("|");

const PATTERNS: readonly LinearPattern[] = [
  {
    // With the name of its assembly, as formatters want it (`$type`, `__type`, `type=`), up to the end of the name.
    kind: "dotnet.gadget_type",
    needs: ["presentationframework", "presentationcore", "windowsbase", "mscorlib", "system.", "microsoft."],
    pattern: new RegExp(
      `\\b(?:system\\.(?:${GADGETS})|microsoft\\.(?:visualstudio\\.text\\.formatting\\.textformattingrunproperties|identitymodel\\.claims\\.windowsclaimsidentity))(?:\`\\d)?\\s{0,2},\\s{0,2}(?:${ASSEMBLIES})(?:,\\s{0,2}(?:version|culture|publickeytoken)\\b|\\s{0,2}(?:["'\\\\\\]<]|$))`,
      "g",
    ),
  },
  {
    // Of a form's own list of values (`{x:Type local:Colour}`) it is ordinary XAML.
    kind: "dotnet.gadget_type",
    needs: ["objectdataprovider"],
    pattern:
      /\bobjectdataprovider\b[^>]{0,300}?\bobjecttype\s{0,2}=\s{0,2}["']\{x:type\s{1,4}\w{1,20}:(?:process|file|assembly|activator|xamlreader)\}/g,
  },
];

const KINDS = {
  "dotnet.gadget_type": "the name of a .NET type, with its assembly, whose creation runs code",
  "dotnet.serialized_object": "a .NET object as BinaryFormatter writes it, in base64 or in hex",
} as const;

const serialized: Detector = {
  name: "dotnet.serialized_object",
  kinds: { "dotnet.serialized_object": KINDS["dotnet.serialized_object"] },
  triggers: ["aaeaaad/////", "aaeaaad_____", "0001000000ffffffff01"],
  detect: findSerialized,
};

export const dotnet: readonly Detector[] = [...detectorsOf(KINDS, PATTERNS), serialized];

/** The header of a stream (MS-NRBF §2.6.1): its record type, the root's number, -1 and the version. Not within a longer run. */
const HEADER = /(?<![A-Za-z0-9+/])(?:AAEAAAD[/_]{5}AQ|0001000000[fF]{8}01)/;

function findSerialized({ text }: Subject, found: Detection[]): void {
  const match = HEADER.exec(text);
  if (match === null) return;
  found.push({ kind: "dotnet.serialized_object", start: match.index, end: match.index + match[0].length });
}
