import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  cpSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { type Source, settle } from "../release/stage.ts";

const documentation = "usr/share/doc/zion-edge";

/**
 * Builds the Debian package from a staged one: equal contents give equal bytes. `work` is emptied first. It holds no
 * machine code, so one package is for all architectures; Node comes as a dependency (docs/decisions/0027).
 */
export function buildDeb(staged: string, source: Source, work: string, file: string): void {
  rmSync(work, { recursive: true, force: true });
  const put = (name: string, text: string | Uint8Array, mode = 0o644) => {
    mkdirSync(dirname(join(work, name)), { recursive: true });
    writeFileSync(join(work, name), text);
    chmodSync(join(work, name), mode);
  };
  const systemd = join(source.directory, "deploy/systemd");
  const scripts = join(source.directory, "deploy/deb");
  const copy = (from: string, name: string) => put(name, readFileSync(from));
  mkdirSync(join(work, "usr/lib"), { recursive: true });
  // Links to the same files: `settle` gives both the same modes and times.
  execFileSync("cp", ["--recursive", "--link", staged, join(work, "usr/lib/zion")]);
  put("usr/bin/zion", readFileSync(join(scripts, "zion.sh")), 0o755);
  symlinkSync("../lib/zion/bin/zion-backup", join(work, "usr/bin/zion-backup"));
  copy(join(systemd, "zion.service"), "usr/lib/systemd/system/zion.service");
  copy(join(systemd, "sysusers.conf"), "usr/lib/sysusers.d/zion.conf");
  copy(join(systemd, "tmpfiles.conf"), "usr/lib/tmpfiles.d/zion.conf");
  copy(join(systemd, "zion.toml"), "etc/zion/zion.toml");
  copy(join(systemd, "notify-reload.conf"), `${documentation}/examples/notify-reload.conf`);
  cpSync(join(source.directory, "docs"), join(work, documentation), { recursive: true });
  put(`${documentation}/copyright`, copyright);
  put(`${documentation}/changelog.gz`, gzipSync(changelog(source), { level: 9 }));
  copy(join(source.directory, "CHANGELOG.md"), `${documentation}/CHANGELOG.md`);
  put("DEBIAN/conffiles", "/etc/zion/zion.toml\n");
  put("DEBIAN/md5sums", checksums(work));
  put("DEBIAN/control", control(source, nodeVersionOf(staged), installedKb(work)));
  for (const script of ["postinst", "prerm", "postrm"])
    put(`DEBIAN/${script}`, readFileSync(join(scripts, script)), 0o755);
  settle(work, source.epochSecs);
  // Secrets may be written into it before anybody has looked at its mode.
  chmodSync(join(work, "etc/zion/zion.toml"), 0o640);
  execFileSync("dpkg-deb", ["--root-owner-group", "-Zgzip", "-z6", "--build", work, file], {
    env: { PATH: process.env["PATH"], SOURCE_DATE_EPOCH: String(source.epochSecs), LC_ALL: "C" },
    stdio: ["ignore", "ignore", "inherit"],
  });
}

/** The first Node that runs the gateway. */
function nodeVersionOf(staged: string): string {
  const { engines } = JSON.parse(readFileSync(join(staged, "package.json"), "utf8")) as {
    readonly engines: { readonly node: string };
  };
  return engines.node.replace(/^>=/, "");
}

function control({ version }: Source, nodeVersion: string, sizeKb: number): string {
  return `Package: zion-edge
Version: ${version}
Architecture: all
Maintainer: ${maintainer}
Installed-Size: ${sizeKb}
Depends: nodejs (>= ${nodeVersion}), systemd (>= 250)
Section: net
Priority: optional
Description: reverse proxy and web application firewall
 Zion terminates TLS, reads HTTP/1.1 and HTTP/2 strictly, looks at every request
 before it is forwarded to pools of upstream servers, and keeps an audit log
 that shows when somebody has changed it.
`;
}

const maintainer = "Zion developers <zion-edge@project.invalid>";

/** Debian's form; what has changed is in CHANGELOG.md beside it. */
function changelog({ version, epochSecs }: Source): string {
  const date = new Date(epochSecs * 1000).toUTCString().replace("GMT", "+0000");
  return `zion-edge (${version}) stable; urgency=medium\n\n  * See CHANGELOG.md.\n\n -- ${maintainer}  ${date}\n`;
}

const copyright = `Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: zion-edge
Comment: Dependencies below /usr/lib/zion/node_modules have licences of their own, in
 their directories and in the bill of materials of the release.

Files: *
Copyright: the developers of Zion
License: Apache-2.0
 On Debian systems the text is in /usr/share/common-licenses/Apache-2.0.
`;

/** Of all that is installed, as dpkg keeps them for \`dpkg --verify\`. */
function checksums(work: string): string {
  return filesBelow(work)
    .filter((name) => !name.startsWith("etc/"))
    .map(
      (name) =>
        `${createHash("md5")
          .update(readFileSync(join(work, name)))
          .digest("hex")}  ${name}\n`,
    )
    .join("");
}

/** By sizes of files, so that it does not depend on the file system. */
function installedKb(work: string): number {
  return filesBelow(work).reduce((sum, name) => sum + Math.ceil(lstatSync(join(work, name)).size / 1024), 0);
}

function filesBelow(work: string): readonly string[] {
  return readdirSync(work, { recursive: true, encoding: "utf8" })
    .filter((name) => !name.startsWith("DEBIAN") && lstatSync(join(work, name)).isFile())
    .sort();
}
