import assert from "node:assert/strict";
import { test } from "node:test";
import { formatReport, type ReportFormat } from "../../src/config/report.ts";
import { minimal, parseText, withFiles } from "../support/config-case.ts";

const bad = `${minimal}xyz = 1\n[[route]]\npath = "/"\nupstream = "ap"\n`;

test("json has every diagnostic with its range and what to do", () => {
  const report = JSON.parse(print("json", bad)) as {
    diagnostics: { code: string; range: unknown; suggestion: string | null; related: unknown[] }[];
  };
  assert.deepEqual(
    { ...report, diagnostics: undefined },
    {
      format_version: "1.0",
      file: "a b/x.toml",
      valid: false,
      error_count: 3,
      warning_count: 0,
      diagnostics: undefined,
    },
  );
  assert.deepEqual(
    report.diagnostics.map(({ code }) => code),
    ["Z1042", "Z1212", "Z1210"],
  );
  assert.deepEqual(report.diagnostics[2]!.range, {
    start: { line: 13, column: 12 },
    end: { line: 13, column: 16 },
  });
  assert.equal(report.diagnostics[2]!.suggestion, "app");
  assert.deepEqual(report.diagnostics[2]!.related, [
    { range: { start: { line: 4, column: 11 }, end: { line: 4, column: 14 } }, label: "defined here" },
  ]);
});

test("json says that a good file is valid, and a problem of the whole file has no range", () => {
  assert.deepEqual(JSON.parse(print("json", minimal)), {
    format_version: "1.0",
    file: "a b/x.toml",
    valid: true,
    error_count: 0,
    warning_count: 0,
    diagnostics: [],
  });
  assert.equal(
    (JSON.parse(print("json", "")) as { diagnostics: { range: unknown }[] }).diagnostics[0]!.range,
    null,
  );
});

test("json is not cut at twenty", () => {
  const many = Array.from({ length: 30 }, (_, i) => `nonsense_${i} = 1\n`).join("");
  assert.equal((JSON.parse(print("json", many + minimal)) as { error_count: number }).error_count, 30);
});

test("github prints one workflow command per diagnostic, escaped", () => {
  const lines = print("github", bad).trimEnd().split("\n");
  assert.equal(lines.length, 3);
  assert.match(
    lines[0]!,
    /^::error file=a b\/x.toml,line=10,col=1,endLine=10,endColumn=4,title=Z1042::unknown key `xyz` in \[\[route\]\]%0Aeffect: /,
  );
  assert.equal(print("github", minimal), "");
  const odd = formatReport("github", {
    ...input(bad),
    file: "x",
    diagnostics: parseText(bad, { ...withFiles(), file: "a,b:%.toml" }).diagnostics,
  });
  assert.match(odd, /^::error file=a%2Cb%3A%25\.toml,/);
});

test("sarif names the rules it uses and places every result", () => {
  const sarif = JSON.parse(print("sarif", bad)) as {
    version: string;
    runs: {
      tool: { driver: { version: string; rules: { id: string }[] } };
      results: { ruleId: string; level: string; locations: unknown[] }[];
    }[];
  };
  assert.equal(sarif.version, "2.1.0");
  const run = sarif.runs[0]!;
  assert.equal(run.tool.driver.version, "1.2.3");
  assert.deepEqual(
    run.tool.driver.rules.map(({ id }) => id),
    ["Z1042", "Z1210", "Z1212"],
  );
  assert.deepEqual(run.results[0]!.locations, [
    {
      physicalLocation: {
        artifactLocation: { uri: "a%20b/x.toml" },
        region: { startLine: 10, startColumn: 1, endLine: 10, endColumn: 4 },
      },
    },
  ]);
  assert.ok(run.results.every(({ level }) => level === "error"));
});

test("people are told how many there are, or that all is well", () => {
  assert.match(print("human", bad), /\n3 errors in a b\/x\.toml\n$/);
  assert.equal(print("human", minimal), "a b/x.toml: ok, 1 route\n");
});

function print(format: ReportFormat, text: string): string {
  return formatReport(format, input(text));
}

function input(text: string) {
  const file = "a b/x.toml";
  return {
    file,
    text,
    diagnostics: parseText(text, { ...withFiles(), file }).diagnostics,
    summary: "1 route",
    color: false,
    version: "1.2.3",
  };
}
