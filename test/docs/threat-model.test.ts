import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { buildProgram } from "../../src/cli/program.ts";
import { keyDocs } from "../../src/config/keys.ts";
import { tableSchemas } from "../../src/config/schema.ts";
import { adminEndpoints } from "../../src/control/admin-endpoints.ts";
import {
  ASCII,
  F,
  fieldFlags,
  fieldNames,
  GUARDED,
  HOP,
  OURS,
  SCRUB,
  SINGLETON,
} from "../../src/http/field.ts";
import { adminSources } from "../control/admin-sources.ts";
import { exists, holdsTitle, quoted, read, section, sources, tableRows } from "./document.ts";

const model = read("docs/threat-model.md");
const listed = (heading: string) => tableRows(section(model, heading));

describe("the lists miss nothing and hold nothing that is gone", () => {
  test("listeners: every key that takes an address to listen on", () => {
    const keys: string[] = [];
    for (const { header, keys: shape } of tableSchemas) {
      for (const [name, schema] of Object.entries(shape)) {
        const about = keyDocs.get(schema);
        if (/^listen/.test(name) || about?.type.includes("ip:port") === true)
          keys.push(`${header.replace(/[[\]]/g, "")}.${name}`);
      }
    }
    assert.deepEqual(
      listed("Listeners")
        .map(([key]) => quoted(key))
        .sort(),
      keys.sort(),
    );
  });

  test("listeners: each has a surface of its own", () => {
    for (const [key, surface] of listed("Listeners")) {
      const name = /^\[([^\]]+)\]/.exec(surface ?? "")?.[1];
      assert.ok(name !== undefined && surfaces().includes(name), `${key}: ${surface}`);
    }
  });

  test("endpoints: every path that a control listener answers", async () => {
    // Whatever looks like a path in the control plane is one, whoever adds it and however; but for those of the system.
    const written = new Set(["/"]);
    for (const file of sources().filter((name) => /^src\/(?:control\/|respond\/page)/.test(name))) {
      for (const [, literal] of read(file).matchAll(/["'`](\/[a-z_][\w./{}-]*)["'`]/g)) written.add(literal!);
      for (const one of written) if (/^\/(?:bin|proc|sys)\//.test(one)) written.delete(one);
    }
    const rows = listed("Endpoints");
    assert.deepEqual([...new Set(rows.map((cells) => quoted(cells[2])))].sort(), [...written].sort());
  });

  test("endpoints: the admin listener's own list, with its methods", async () => {
    const offered = adminEndpoints(adminSources());
    const rows = listed("Endpoints").filter(([listener]) => listener === "admin");
    assert.deepEqual(
      rows.map(([, method, path]) => `${method} ${quoted(path)}`).sort(),
      ["GET /", ...offered.map(({ method, path }) => `${method} ${path}`)].sort(),
    );
  });

  test("flags: every option and argument of every command", () => {
    const program = buildProgram(() => {});
    const flags = program.options.map((option) => `zion ${option.flags}`);
    for (const command of program.commands) {
      for (const option of command.options) flags.push(`zion ${command.name()} ${option.flags}`);
      for (const argument of command.registeredArguments) {
        flags.push(
          `zion ${command.name()} ${argument.required ? `<${argument.name()}>` : `[${argument.name()}]`}`,
        );
      }
    }
    assert.deepEqual(
      listed("Flags")
        .map(([command, flag]) => `${quoted(command)} ${quoted(flag)}`)
        .sort(),
      flags.sort(),
    );
  });

  test("parsed fields: every name with flags, and every name that code asks for", () => {
    const asked = new Set<number>();
    for (const file of sources().filter((name) => name !== "src/http/field.ts")) {
      for (const [, key] of read(file).matchAll(/\bF\.(\w+)\b/g)) {
        const id = (F as Readonly<Record<string, number>>)[key!];
        if (id !== undefined) asked.add(id);
      }
    }
    const expected = fieldNames.flatMap((name, id) =>
      name !== "" && (fieldFlags[id] !== 0 || asked.has(id))
        ? [`${name}: ${flagWords(fieldFlags[id]!)}`]
        : [],
    );
    assert.ok(expected.length > 40, `only ${expected.length} names found`);
    assert.deepEqual(
      listed("Parsed fields")
        .map(([name, flags]) => `${quoted(name)}: ${flags}`)
        .sort(),
      expected.sort(),
    );
  });
});

describe("the surfaces are complete", () => {
  test("the surfaces that must be there are there", () => {
    assert.deepEqual(surfaces(), [
      "Plain listener",
      "TLS listener",
      "Certificates of clients",
      "Request head",
      "HTTP/2",
      "Request body",
      "Inspection",
      "Pages of other origins",
      "Bearer tokens",
      "Key sets of issuers",
      "OCSP answers",
      "API keys, passwords, revoked tokens",
      "A service that decides",
      "Lists of clients",
      "Bans",
      "PROXY headers",
      "WebSocket and event streams",
      "Upstream answers",
      "Leaks in answers",
      "Sticky cookies and mirrors",
      "Compression",
      "Stored answers",
      "Static files",
      "HTTP/2 upstreams and gRPC",
      "Routing",
      "Rate limits",
      "Store of limits",
      "Mesh",
      "Forwarded identity headers",
      "Config file",
      "Certificates and keys",
      "ACME",
      "Worker IPC",
      "Telemetry listener",
      "Admin listener",
      "Control socket",
      "Access log",
      "Audit log",
      "Kept requests",
      "Signals",
      "Command line",
      "Image and chart",
      "Releases and packages",
    ]);
  });

  for (const name of surfaces()) {
    test(`${name}: all six letters, each with risk, mitigation in a file, residual and proof`, () => {
      const rows = tableRows(section(model, name));
      assert.deepEqual(rows.map(([letter]) => letter).join(""), "STRIDE");
      for (const cells of rows) {
        assert.equal(cells.length, 5, cells.join(" | "));
        const [, risk, mitigation, residual, proof] = cells;
        assert.ok(risk !== "" && residual !== "", cells.join(" | "));
        assert.match(mitigation!, /`(src|bin|deploy)\/[^`]+`/, "a mitigation is in a file");
        assert.match(proof!, /^none(: .+)?$|`test\/[^`]+`: "/, "a proof is a test, or an admission");
      }
    });
  }
});

test("every file that is named exists", () => {
  const missing = [...model.matchAll(/`((?:src|test|bin|docs|config|deploy)\/[^`]+)`/g)]
    .map((match) => match[1]!)
    .filter((file) => !exists(file));
  assert.deepEqual(missing, []);
});

test("every test title that is cited is in the file that is named for it", () => {
  const missing: string[] = [];
  let cited = 0;
  for (const [, file, title] of model.matchAll(/`(test\/[^`]+\.ts)`: "([^"]+)"/g)) {
    cited++;
    if (!exists(file!) || !holdsTitle(read(file!), title!)) missing.push(`${file}: ${title}`);
  }
  assert.ok(cited > 80, `only ${cited} citations found`);
  assert.deepEqual(missing, []);
});

function surfaces(): string[] {
  return [...section(model, "Surfaces").matchAll(/^### (.+)$/gm)].map((match) => match[1]!);
}

function flagWords(flags: number): string {
  const words: readonly (readonly [number, string])[] = [
    [HOP, "hop"],
    [OURS, "ours"],
    [SCRUB, "scrub"],
    [SINGLETON, "singleton"],
    [ASCII, "ascii"],
    [GUARDED, "guarded"],
  ];
  const set = words.filter(([bit]) => (flags & bit) !== 0).map(([, word]) => word);
  return set.length === 0 ? "–" : set.join(" ");
}
