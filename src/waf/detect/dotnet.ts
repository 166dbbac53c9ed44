import type { Detection, Subject } from "../detection.ts";

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

/** With the name of its assembly, as formatters want it (`$type`, `__type`, `type=`), up to the end of the name. */
const QUALIFIED = new RegExp(
  `\\b(?:system\\.(?:${GADGETS})|microsoft\\.(?:visualstudio\\.text\\.formatting\\.textformattingrunproperties|identitymodel\\.claims\\.windowsclaimsidentity))(?:\`\\d)?\\s{0,2},\\s{0,2}(?:${ASSEMBLIES})(?:,\\s{0,2}(?:version|culture|publickeytoken)\\b|\\s{0,2}(?:["'\\\\\\]<]|$))`,
);
/** In XAML. Of a form's own list of values (`{x:Type local:Colour}`) it is ordinary. */
const PROVIDER =
  /\bobjectdataprovider\b[^>]{0,300}?\bobjecttype\s{0,2}=\s{0,2}["']\{x:type\s{1,4}\w{1,20}:(?:process|file|assembly|activator|xamlreader)\}/;

/** Words of which each such type has one. */
export const DOTNET_TRIGGERS: readonly string[] = [
  ...[
    "objectdataprovider",
    "resourcedictionary",
    "xamlreader",
    "bindingsource",
    "axhost+",
    "diagnostics.process",
  ],
  ...["windowsidentity", "windowsprincipal", "genericidentity", "assemblyinstaller", "settingspropertyvalue"],
  ...["workflowdesigner", "expandedwrapper", "roleprincipal", "losformatter", "objectstateformatter"],
  ...["sessionsecuritytoken", "toolboxitem", "tempfilecollection", "system.io.f", "system.io.directoryinfo"],
  ...["binaryformatter", "reflection.assembly", "system.activator", "delegateserializationholder"],
  ...["activitysurrogateselector", "textformattingrun", "windowsclaimsidentity"],
];

export function findDotnetType({ lower }: Subject, found: Detection[]): void {
  const match = QUALIFIED.exec(lower) ?? PROVIDER.exec(lower);
  if (match === null) return;
  found.push({ kind: "dotnet.gadget_type", start: match.index, end: match.index + match[0].length });
}

/** The header of a stream (MS-NRBF §2.6.1), its record type, the root's number, -1 and the version, in base64 or hex. */
const STREAM =
  /(?<![A-Za-z0-9+/])(?:AAEAAAD[/_]{5}AQ[A-Za-z0-9+/_-]{8,}|0001000000[fF]{8}01[0-9a-fA-F]{8,})/g;
/** What is in streams that attack, and not in the games and documents that programs keep this way. */
const STREAM_TYPES =
  /system\.(?:windows\.(?:data|markup|resourcedictionary|forms\.axhost)|delegateserializationholder|diagnostics\.process|security\.(?:principal|claims)\.|web[.,]|data\.dataset|drawing\.design|identitymodel|runtime\.remoting|codedom|configuration\.|reflection\.|activities|workflow|io\.(?:file|directory)info|management\.)|microsoft\.(?:visualstudio|identitymodel|powershell)/;

export function findDotnetStream({ text }: Subject, found: Detection[]): void {
  STREAM.lastIndex = 0;
  for (let run = STREAM.exec(text); run !== null; run = STREAM.exec(text)) {
    const bytes = Buffer.from(run[0], run[0].startsWith("0") ? "hex" : "base64");
    if (!STREAM_TYPES.test(bytes.latin1Slice().toLowerCase())) continue;
    found.push({ kind: "dotnet.serialized_object", start: run.index, end: run.index + run[0].length });
    return;
  }
}
