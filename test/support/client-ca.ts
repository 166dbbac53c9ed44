import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { newDirectory } from "./directory.ts";

/** A certificate with its key, as files and as text. */
export interface ClientPair {
  readonly certPath: string;
  readonly keyPath: string;
  readonly certPem: string;
  readonly keyPem: string;
}

export interface IssueOptions {
  /** Lines of an OpenSSL extension section, e.g. "subjectAltName=DNS:a.test". */
  readonly extensions?: readonly string[];
  readonly subject?: string;
  /** From now, may be negative. Default: yesterday to in ten days. */
  readonly fromDays?: number;
  readonly untilDays?: number;
  /** Argument of `openssl genpkey`. Default: P-256. */
  readonly key?: readonly string[];
  /** No clientAuth and no digitalSignature by default. */
  readonly bare?: boolean;
}

/** A certificate authority made with openssl, in a directory of its own. */
export interface ClientAuthority extends ClientPair {
  readonly directory: string;
  /** A client's certificate. */
  issue(name: string, options?: IssueOptions): ClientPair;
  /** An authority below this one. */
  authority(name: string, options?: IssueOptions): ClientAuthority;
  revoke(pair: ClientPair): void;
  /** Writes a revocation list of what was revoked so far; its path. Days from now, may be negative. */
  crl(name: string, options?: { readonly fromDays?: number; readonly untilDays?: number }): string;
}

/** A root of its own. */
export function openClientAuthority(name = "Test Root"): ClientAuthority {
  const directory = newDirectory("ca");
  const keyPath = makeKey(directory, "ca");
  const certPath = path.join(directory, "ca.crt");
  const config = writeConfig(directory, []);
  openssl(
    ...["req", "-x509", "-new", "-key", keyPath, "-out", certPath, "-config", config, "-days", "20"],
    ...["-subj", `/O=Zion Test/CN=${name}`, "-extensions", "authority"],
  );
  return open(directory, certPath, keyPath);
}

function open(directory: string, certPath: string, keyPath: string): ClientAuthority {
  writeFileSync(path.join(directory, "index.txt"), "");
  writeFileSync(path.join(directory, "serial"), "1000\n");
  writeFileSync(path.join(directory, "crlnumber"), "1000\n");
  mkdirSync(path.join(directory, "issued"));
  let configs = 0;

  function ca(options: readonly string[], extensions: readonly string[]): void {
    const config = writeConfig(directory, extensions, ++configs);
    openssl("ca", "-batch", "-config", config, "-cert", certPath, "-keyfile", keyPath, ...options);
  }

  function sign(name: string, options: IssueOptions, preset: readonly string[]): ClientPair {
    const key = makeKey(directory, name, options.key);
    const request = path.join(directory, `${name}.csr`);
    const subject = options.subject ?? `/O=Zion Test/CN=${name}`;
    openssl(
      "req",
      "-new",
      "-utf8",
      "-key",
      key,
      "-out",
      request,
      "-config",
      writeConfig(directory, []),
      "-subj",
      subject,
    );
    const cert = path.join(directory, `${name}.crt`);
    ca(
      [
        ...["-in", request, "-out", cert, "-notext", "-preserveDN", "-utf8", "-extensions", "wanted"],
        ...["-startdate", stamp(options.fromDays ?? -1), "-enddate", stamp(options.untilDays ?? 10)],
      ],
      [...(options.bare === true ? [] : preset), ...(options.extensions ?? [])],
    );
    return pair(cert, key);
  }

  return {
    ...pair(certPath, keyPath),
    directory,
    issue: (name, options = {}) => sign(name, options, clientPreset),
    authority(name, options = {}) {
      const below = path.join(directory, `below-${name}`);
      mkdirSync(below);
      const made = sign(name, options, authorityPreset);
      return open(below, made.certPath, made.keyPath);
    },
    revoke: ({ certPath: revoked }) => ca(["-revoke", revoked], []),
    crl(name, { fromDays = -1, untilDays = 5 } = {}) {
      const out = path.join(directory, `${name}.crl`);
      ca(
        ["-gencrl", "-out", out, "-crl_lastupdate", stamp(fromDays), "-crl_nextupdate", stamp(untilDays)],
        [],
      );
      return out;
    },
  };
}

const clientPreset = [
  "basicConstraints=critical,CA:FALSE",
  "keyUsage=critical,digitalSignature",
  "extendedKeyUsage=clientAuth",
];
const authorityPreset = ["basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign,cRLSign"];

function pair(certPath: string, keyPath: string): ClientPair {
  return {
    certPath,
    keyPath,
    certPem: readFileSync(certPath, "latin1"),
    keyPem: readFileSync(keyPath, "latin1"),
  };
}

function makeKey(
  directory: string,
  name: string,
  key: readonly string[] = ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
): string {
  const out = path.join(directory, `${name}.key`);
  openssl("genpkey", ...key, "-out", out);
  return out;
}

function writeConfig(directory: string, extensions: readonly string[], number = 0): string {
  const out = path.join(directory, `openssl-${number}.cnf`);
  writeFileSync(
    out,
    `
[req]
distinguished_name = dn
string_mask = utf8only
[dn]
[authority]
${authorityPreset.join("\n")}
subjectKeyIdentifier = hash
[ca]
default_ca = this
[this]
dir = ${directory}
database = $dir/index.txt
new_certs_dir = $dir/issued
serial = $dir/serial
crlnumber = $dir/crlnumber
default_md = sha256
default_crl_days = 5
policy = any
unique_subject = no
copy_extensions = none
crl_extensions = crl
[any]
commonName = optional
organizationName = optional
[crl]
authorityKeyIdentifier = keyid
[wanted]
${extensions.join("\n")}
`,
  );
  return out;
}

/** GeneralizedTime so many days from now. */
function stamp(days: number): string {
  const digits = new Date(Date.now() + days * 86_400_000).toISOString().replace(/[-:T]/g, "").slice(0, 14);
  return `${digits}Z`;
}

function openssl(...args: readonly string[]): void {
  execFileSync("openssl", args, { stdio: ["ignore", "pipe", "pipe"] });
}
