import { crlf } from "./detect/crlf.ts";
import { crlfText } from "./detect/crlf-text.ts";
import { html } from "./detect/html.ts";
import { java } from "./detect/java.ts";
import { javascript } from "./detect/javascript.ts";
import { ldap } from "./detect/ldap.ts";
import { lookup } from "./detect/lookup.ts";
import { mail } from "./detect/mail.ts";
import { node } from "./detect/node.ts";
import { nosql } from "./detect/nosql.ts";
import { path } from "./detect/path.ts";
import { php } from "./detect/php.ts";
import { scriptCode } from "./detect/python-code.ts";
import { scanner } from "./detect/scanner.ts";
import { serialized } from "./detect/serialized.ts";
import { shell } from "./detect/shell.ts";
import { command } from "./detect/shell-command.ts";
import { sql } from "./detect/sql.ts";
import { ssi } from "./detect/ssi.ts";
import { template } from "./detect/template.ts";
import { url } from "./detect/url.ts";
import { xmlAttack } from "./detect/xml-attack.ts";
import { xpath } from "./detect/xpath.ts";
import type { Detector } from "./detection.ts";

/** Every detector there is. A rule can name any of their kinds; one that no rule names is never called. */
export const detectors: readonly Detector[] = [
  sql,
  nosql,
  ldap,
  xpath,
  html,
  javascript,
  lookup,
  ...java,
  ...node,
  ...php,
  ...scriptCode,
  serialized,
  shell,
  ...command,
  ...path,
  ...url,
  ...xmlAttack,
  template,
  ssi,
  crlf,
  crlfText,
  mail,
  scanner,
];
