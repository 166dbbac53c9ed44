/** How one language writes a frame of a stack trace. */
interface Language {
  readonly kind: string;
  /** Lower-case; each stands in every frame. */
  readonly triggers: readonly string[];
  /** What stands from the trigger on. Sticky. */
  readonly frame: RegExp;
  /** The line says "at" before. */
  readonly at: boolean;
}

const languages: readonly Language[] = [
  {
    kind: "answer.trace_java",
    triggers: [".java:", ".kt:", ".scala:", ".groovy:"],
    frame: /\.(?:java|kt|scala|groovy):\d{1,6}\)/y,
    at: true,
  },
  {
    kind: "answer.trace_python",
    triggers: ["traceback (most recent call last", 'file "', "file &quot;"],
    frame: /traceback \(most recent call last|file (?:"|&quot;)[^"&\n]{1,300}(?:"|&quot;), line \d{1,7}/iy,
    at: false,
  },
  {
    kind: "answer.trace_node",
    triggers: [".js:", ".ts:", ".mjs:", ".cjs:", "node:internal/"],
    frame: /(?:\.[cm]?[jt]s|node:internal\/[\w/]{1,100}):\d{1,6}:\d{1,6}/y,
    at: true,
  },
  { kind: "answer.trace_php", triggers: [".php("], frame: /\.php\(\d{1,6}\): [\w\\{(]/y, at: false },
  {
    kind: "answer.trace_dotnet",
    triggers: [".cs:line ", ".vb:line ", ".fs:line "],
    frame: /\.(?:cs|vb|fs):line \d{1,6}/y,
    at: true,
  },
  { kind: "answer.trace_ruby", triggers: [".rb:"], frame: /\.rb:\d{1,6}:in [`'&]/y, at: false },
  {
    kind: "answer.trace_go",
    triggers: ["goroutine ", ".go:"],
    frame: /goroutine \d{1,9} \[[\w ,]{1,60}\]:|\.go:\d{1,6} \+0x[0-9a-f]{1,8}/y,
    at: false,
  },
];

export const traceLanguages: ReadonlyMap<string, Language> = new Map(languages.map((one) => [one.kind, one]));

/** Whether a frame stands in the line of `at`, where the trigger does. */
export function isFrame({ frame, at: needsAt }: Language, text: string, at: number): boolean {
  frame.lastIndex = at;
  if (!frame.test(text)) return false;
  if (!needsAt) return true;
  const line = text.slice(Math.max(0, at - LINE_BYTES_MAX), at);
  return /\bat\s/.test(line.slice(line.lastIndexOf("\n") + 1));
}

const LINE_BYTES_MAX = 400;
/** Two frames stand so near together. */
export const FRAME_GAP_MAX = 1024;
