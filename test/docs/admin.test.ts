import { test } from "node:test";
import { adminEndpoints } from "../../src/control/admin-endpoints.ts";
import { adminSources } from "../control/admin-sources.ts";
import { assertGenerated, read, row } from "./document.ts";

test("docs/operating/admin.md has every endpoint with its role (ZION_WRITE_DOCS=1 writes the table)", () => {
  const file = "docs/operating/admin.md";
  const page = read(file);
  const start = page.indexOf("| Method | Path | Role |");
  const end = page.indexOf("\n\n", start);
  const table = [
    row("Method", "Path", "Role", "What it does"),
    row("---", "---", "---", "---"),
    ...adminEndpoints(adminSources()).map(({ method, path, role, does }) =>
      row(method, `\`${path}\``, role, does),
    ),
  ];
  assertGenerated(file, page.slice(0, start) + table.join("\n") + page.slice(end));
});
