import { java } from "../../../src/waf/detect/java.ts";
import { lookup } from "../../../src/waf/detect/lookup.ts";
import { node } from "../../../src/waf/detect/node.ts";
import { path } from "../../../src/waf/detect/path.ts";
import { php } from "../../../src/waf/detect/php.ts";
import { serialized } from "../../../src/waf/detect/serialized.ts";
import { shell } from "../../../src/waf/detect/shell.ts";
import { command } from "../../../src/waf/detect/shell-command.ts";
import { url } from "../../../src/waf/detect/url.ts";
import { xmlAttack } from "../../../src/waf/detect/xml-attack.ts";
import type { Detector } from "../../../src/waf/detection.ts";

/** Detectors of commands, files, addresses, code of servers and XML. */
export const systemDetectors: readonly Detector[] = [
  shell,
  ...command,
  ...path,
  ...php,
  ...java,
  serialized,
  ...node,
  ...url,
  lookup,
  ...xmlAttack,
];
