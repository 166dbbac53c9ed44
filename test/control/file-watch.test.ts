import assert from "node:assert/strict";
import { mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { watchFiles } from "../../src/control/file-watch.ts";
import { newDirectory } from "../support/directory.ts";
import { until } from "./gateway.ts";

interface Case {
  readonly name: string;
  /** Makes the file in `directory` and returns its path. */
  readonly make?: (directory: string) => string;
  /** The n-th replacement of its contents. */
  readonly replace: (file: string, text: string, directory: string) => void;
}

const plain = (directory: string): string => {
  const file = join(directory, "zion.toml");
  writeFileSync(file, "first");
  return file;
};

/** As Kubernetes mounts a ConfigMap: zion.toml → ..data/zion.toml, ..data → ..0. */
const mounted = (directory: string): string => {
  mkdirSync(join(directory, "..0"));
  writeFileSync(join(directory, "..0", "zion.toml"), "first");
  symlinkSync("..0", join(directory, "..data"));
  symlinkSync("..data/zion.toml", join(directory, "zion.toml"));
  return join(directory, "zion.toml");
};

const cases: readonly Case[] = [
  { name: "written in place", replace: (file, text) => writeFileSync(file, text) },
  {
    name: "renamed over",
    replace: (file, text, directory) => {
      writeFileSync(join(directory, "new"), text);
      renameSync(join(directory, "new"), file);
    },
  },
  {
    name: "saved by an editor that keeps the old one as a backup",
    replace: (file, text, directory) => {
      writeFileSync(join(directory, ".zion.toml.swp"), "swap");
      renameSync(file, `${file}~`);
      writeFileSync(file, text);
      unlinkSync(join(directory, ".zion.toml.swp"));
    },
  },
  {
    name: "deleted and made again",
    replace: (file, text) => {
      unlinkSync(file);
      writeFileSync(file, text);
    },
  },
  {
    name: "swapped with its ..data directory",
    make: mounted,
    replace: (_file, text, directory) => {
      const name = `..${text}`;
      mkdirSync(join(directory, name));
      writeFileSync(join(directory, name, "zion.toml"), text);
      symlinkSync(name, join(directory, "..data_tmp"));
      renameSync(join(directory, "..data_tmp"), join(directory, "..data"));
    },
  },
];

function start(t: TestContext, make: (directory: string) => string, events: boolean) {
  const directory = newDirectory("watch");
  const file = make(directory);
  let seen = "";
  let changes = 0;
  const read = () => {
    // The first one says that the file is known now.
    if (changes++ === 0) return;
    try {
      seen = readFileSync(file, "utf8");
    } catch {
      seen = "";
    }
  };
  const watch = watchFiles({ onChange: read, events, lookEveryMs: events ? 3_600_000 : 50 });
  t.after(() => {
    watch.stop();
  });
  watch.set([file]);
  return { directory, file, watch, seen: () => seen };
}

for (const events of [true, false]) {
  const how = events ? "by events" : "by looking";
  for (const { name, make = plain, replace } of cases) {
    test(`a file that is ${name} is noticed each time, ${how}`, async (t) => {
      const { directory, file, seen } = start(t, make, events);
      // Watching begins in the background: the first change is repeated until it is seen.
      let n = 0;
      await until("the watch is on", () => {
        if (n++ % 20 === 0) replace(file, `on${n}`, directory);
        return seen() !== "";
      });
      for (const text of ["second", "third", "fourth"]) {
        replace(file, text, directory);
        await until(`${text} is seen`, () => seen() === text);
      }
    });
  }

  test(`a file that does not exist is noticed when it does, ${how}`, async (t) => {
    const { file, seen } = start(t, (directory) => join(directory, "zion.toml"), events);
    let n = 0;
    await until("it is seen", () => {
      if (n++ % 20 === 0) {
        rmSync(file, { force: true });
        writeFileSync(file, "here");
      }
      return seen() === "here";
    });
  });
}

test("what is to be watched after the stop is not", async () => {
  const directory = newDirectory("watch");
  const file = plain(directory);
  let changes = 0;
  const watch = watchFiles({ onChange: () => changes++, events: true, lookEveryMs: 20 });
  watch.set([file]);
  await until("the file is known", () => changes === 1);
  watch.stop();
  watch.set([file, join(directory, "other")]);
});

test("a log that is written beside the file is no change of it", async (t) => {
  let changes = 0;
  const directory = newDirectory("watch");
  const file = plain(directory);
  const watch = watchFiles({ onChange: () => changes++, events: true, lookEveryMs: 20 });
  t.after(() => {
    watch.stop();
  });
  watch.set([file]);
  await until("the file is known", () => changes === 1);
  for (let line = 0; line < 20; line++) {
    writeFileSync(join(directory, "access.log"), `${line}\n`, { flag: "a" });
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  assert.equal(changes, 1);
  writeFileSync(file, "second");
  await until("the change is noticed", () => changes > 1);
});
