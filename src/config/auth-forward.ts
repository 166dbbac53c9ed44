import { FORWARD_MASK, fieldFlags, fieldIdOf } from "../http/field.ts";
import { isFieldName } from "./auth-credential.ts";
import type { AuthProfileInput } from "./auth-schema.ts";
import type { ServiceProfileConfig } from "./config.ts";
import { checkDefined } from "./definition.ts";
import type { Path } from "./finding.ts";
import { keyLabel, printable, shownValue } from "./label.ts";
import type { DocumentInput } from "./schema.ts";
import { requireKey, type SectionContext } from "./section.ts";
import { upstreamNames } from "./upstreams.ts";

/** Fields of one request or answer that a profile may name. */
const FIELDS_MAX = 16;

/** Reads a profile that a service decides over; undefined when it has problems. */
export function readServiceProfile(
  name: string,
  input: AuthProfileInput,
  document: DocumentInput,
  context: SectionContext,
): ServiceProfileConfig | undefined {
  const path: Path = ["auth_profile", name];
  const what = `[auth_profile.${printable(name)}]`;
  const target = input.service_path ?? "/";
  if (!/^\/[!-"$-~]*$/.test(target))
    context.findings.add({
      code: "Z1106",
      path: [...path, "service_path"],
      message: `${keyLabel([...path, "service_path"])}: ${shownValue([...path, "service_path"], target)} is no path`,
      fix: 'write a path that begins with "/"',
    });
  const requestFields = input.request_fields ?? ["Authorization", "Cookie"];
  checkFields([...path, "request_fields"], requestFields, isSendable, context);
  checkFields([...path, "answer_fields"], input.answer_fields, isSettable, context);
  if (!requireKey(path, "service_upstream", input.service_upstream, what, context)) return undefined;
  checkDefined(
    {
      path: [...path, "service_upstream"],
      what,
      kind: "upstream",
      name: input.service_upstream!,
      defined: upstreamNames(document),
      definition: `[upstream.${printable(input.service_upstream!)}]`,
      effect: "nobody could be let in.",
    },
    context,
  );
  return {
    kind: "forward",
    name,
    upstream: input.service_upstream!,
    path: target,
    requestFields: requestFields.map((field) => field.toLowerCase()),
    answerFields: input.answer_fields,
    timeoutMs: input.timeout_ms,
    cacheMs: input.cache_secs * 1000,
  };
}

/** What frames a request or says who the client is, the gateway writes itself. 0 is the id of all other names. */
function isSendable(name: string): boolean {
  return (fieldFlags[fieldIdOf(name)]! & FORWARD_MASK) === 0 && !/^x-forwarded-/i.test(name);
}

function isSettable(name: string): boolean {
  return fieldIdOf(name) === 0 || /^x-auth-(subject|email)$/i.test(name);
}

function checkFields(
  path: Path,
  names: readonly string[],
  isGood: (name: string) => boolean,
  { findings }: SectionContext,
): void {
  if (names.length > FIELDS_MAX)
    findings.add({
      code: "Z1106",
      path,
      message: `${keyLabel(path)} has more than ${FIELDS_MAX} fields`,
      fix: "name fewer",
    });
  for (const [i, name] of names.entries()) {
    const isTwice = names.findIndex((other) => other.toLowerCase() === name.toLowerCase()) < i;
    if (isFieldName(name) && isGood(name) && !isTwice) continue;
    const at = [...path, i];
    findings.add({
      code: "Z1106",
      path: at,
      message: `${keyLabel(at)}: ${shownValue(at, name)} ${isTwice ? "is named twice" : "is no field name, or one that the gateway writes itself"}`,
      fix: "name a field of letters, digits and dashes",
    });
  }
}
