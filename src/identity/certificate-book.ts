import type { ShownCertificate } from "../http/tls-facts.ts";
import { type Reason, reasons } from "../reason.ts";
import { Identity, printLine } from "./identity.ts";
import { fitsPin, type NamePin, printSubjectName } from "./subject-name.ts";

/**
 * Whose client certificates count as credentials: those with one of the names or fingerprints, or all that are good.
 * Whether one is good was decided before, by the rules of its host.
 */
export class CertificateBook {
  readonly #pins: readonly NamePin[];
  readonly #fingerprints: ReadonlySet<string>;
  readonly #subjectField: string | undefined;
  /** A connection's certificate is asked about at each of its requests. */
  readonly #known = new WeakMap<ShownCertificate, Identity | Reason>();

  constructor(pins: readonly NamePin[], fingerprints: readonly string[], subjectField: string | undefined) {
    this.#pins = pins;
    this.#fingerprints = new Set(fingerprints);
    this.#subjectField = subjectField;
  }

  identify(certificate: ShownCertificate): Identity | Reason {
    let found = this.#known.get(certificate);
    if (found === undefined) {
      found = this.#look(certificate);
      this.#known.set(certificate, found);
    }
    return found;
  }

  /** Its subject is the name that was meant, else its first name, else the whole distinguished name. */
  #look({ names, fingerprint, subject, fromMs, untilMs }: ShownCertificate): Identity | Reason {
    const meant = names.find((name) => this.#pins.some((pin) => fitsPin(name, pin)));
    const isAnyone = this.#pins.length === 0 && this.#fingerprints.size === 0;
    if (meant === undefined && !isAnyone && !this.#fingerprints.has(fingerprint))
      return reasons.clientCertName;
    const name = meant ?? names[0];
    const text = name === undefined ? subject : printSubjectName(name);
    const line = this.#subjectField === undefined ? undefined : printLine(this.#subjectField, text);
    return new Identity({ subject: text, fromMs, untilMs, lines: line === undefined ? [] : [line] });
  }
}
