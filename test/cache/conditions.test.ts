import assert from "node:assert/strict";
import { test } from "node:test";
import { page, startCachedRoute } from "./cached-route.ts";

const startMs = Date.now();
const at = (ms: number): string => new Date(startMs + ms).toUTCString();
const before = at(-3000);
const changed = at(-2000);
const later = at(-1000);

test("a date stands for a version only where the answer was made in a later second", async (t) => {
  const { get } = await startCachedRoute(t, ({ target }) => {
    const made = target === "/same-second" ? changed : later;
    return page("0123456789", "Cache-Control: max-age=600", `Last-Modified: ${changed}`, `Date: ${made}`);
  });
  const ranged = async (path: string, date: string): Promise<string> => {
    const { status, body } = await get(path, { Range: "bytes=1-2", "If-Range": date });
    return `${status} ${body}`;
  };
  for (const path of ["/", "/same-second"]) await get(path);
  assert.equal(await ranged("/", changed), "206 12");
  assert.equal(await ranged("/", later), "200 0123456789");
  assert.equal(await ranged("/same-second", changed), "200 0123456789");
});

test("an answer without Last-Modified is compared by its Date", async (t) => {
  const { get } = await startCachedRoute(t, () =>
    page("body", "Cache-Control: max-age=600", `Date: ${changed}`),
  );
  await get();
  const since = async (date: string): Promise<number> =>
    (await get("/", { "If-Modified-Since": date })).status;
  assert.deepEqual(
    [await since(changed), await since(later), await since(before), await since("soon")],
    [304, 304, 200, 200],
  );
});
