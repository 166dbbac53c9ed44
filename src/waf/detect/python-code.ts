import type { Detector } from "../detection.ts";
import { detectorsOf, type LinearPattern } from "./linear-pattern.ts";
import { isManyLines } from "./shell-script.ts";

/** Python and Ruby that an application evaluates: a module that is imported and used in one expression, or a whole call. */

const MODULES = "os|subprocess|pty|socket|sys|posix|builtins|importlib|shutil|commands|platform|code";

/** A program that is started, with a text for its name. */
const CALL =
  "(?:os\\.(?:system|popen|(?:exec|spawn)[lv]\\w{0,2})|subprocess\\.(?:call|run|popen|getoutput|check_(?:output|call))|pty\\.spawn|(?:::)?io\\.popen)\\s{0,2}\\(\\s{0,2}[\"'][^\\n]{1,200}\\)";

const PATTERNS: readonly LinearPattern[] = [
  {
    kind: "script.expression",
    needs: ["__import__"],
    pattern: new RegExp(`__import__\\s{0,4}\\(\\s{0,4}["'](?:${MODULES})["']\\s{0,4}\\)\\s{0,4}\\.`, "g"),
    accept: (_match, { lower }) => !isManyLines(lower),
  },
  {
    // From any object to all classes: explanations of it name one attribute at a time.
    kind: "script.expression",
    needs: ["__subclasses__"],
    pattern: /__(?:base|bases|mro)__(?:\[-?\d\])?\s{0,2}\.\s{0,2}__subclasses__\s{0,2}\(/g,
    accept: (_match, { lower }) => !isManyLines(lower),
  },
  {
    kind: "script.expression",
    needs: [
      "os.system",
      "os.popen",
      "os.exec",
      "os.spawn",
      "subprocess.",
      "pty.spawn",
      "io.popen",
      "kernel.",
    ],
    // A line of a program does one thing: it neither imports as well nor reads what it started.
    pattern: new RegExp(
      `^\\s{0,8}import [a-z]{2,12}\\s{0,2};\\s{0,2}${CALL}[\\s;#]{0,8}$|^\\s{0,8}${CALL}\\.(?:read|readlines|decode|strip)\\b[()\\w.'"]{0,40}[\\s;#]{0,8}$|^\\s{0,8}(?:::)?kernel\\.(?:exec|system|spawn)\\s{0,2}\\(\\s{0,2}["'][^\\n]{1,200}\\)$`,
      "g",
    ),
  },
];

export const scriptCode: readonly Detector[] = detectorsOf(
  {
    "script.expression":
      "Python or Ruby as one expression: a module imported and used at once, all classes of the interpreter, or a call that starts a program and reads from it as the whole value",
  },
  PATTERNS,
);
