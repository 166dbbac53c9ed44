import type { Draw } from "./draw.ts";
import { get, type Header, json, multipart, send, type Template } from "./template.ts";

const npmAgent: Header = [
  "User-Agent",
  "npm/11.4.2 node/v24.12.0 linux x64 workspaces/false ci/github-actions",
];
const packages = [
  "lodash",
  "@types/node",
  "@babel/plugin-transform-arrow-functions",
  "left-pad",
  "is-even",
  "exec-sh",
];
const version = (d: Draw): string => `${d.int(0, 20)}.${d.int(0, 30)}.${d.int(0, 9)}`;

/** Clients of package and image registries. */
export const registries: readonly Template[] = [
  {
    name: "npm-metadata",
    make: (d) =>
      get(`/${d.turn(packages).replace("/", "%2f")}`, [
        npmAgent,
        ["Accept", "application/vnd.npm.install-v1+json; q=1.0, application/json; q=0.8, */*"],
        ["npm-command", "ci"],
        ["pacote-req-type", "packument"],
        ["If-None-Match", `W/"${d.hex(32)}"`],
      ]),
  },
  {
    name: "npm-tarball",
    make: (d) =>
      get(`/@babel/core/-/core-${version(d)}-beta.${d.int(0, 9)}+build.${d.int(1, 99)}.tgz`, [
        npmAgent,
        ["pacote-integrity", `sha512-${d.base64(64)}`],
        ["Authorization", `Bearer npm_${d.token(36)}`],
      ]),
  },
  {
    name: "npm-audit",
    make: (d) =>
      json(
        "POST",
        "/-/npm/v1/security/advisories/bulk",
        Object.fromEntries(packages.map((name) => [name, [version(d), version(d)]])),
        [npmAgent],
      ),
  },
  {
    name: "npm-publish",
    make: (d) => {
      const name = `@acme/${d.pick(["select", "shell-quote", "sql-template", "xss-filters"])}`;
      return json(
        "PUT",
        `/${name.replace("/", "%2f")}`,
        {
          _id: name,
          name,
          description: "Quote & parse shell commands; doesn't run them",
          "dist-tags": { latest: "1.0.0" },
          versions: {
            "1.0.0": {
              name,
              version: "1.0.0",
              scripts: {
                test: "node --test && npm run lint",
                prepare: "husky || true",
                build: "rm -rf dist && tsc -p .",
              },
              dependencies: { semver: "^7.5.4", glob: ">=8 <11 || ~12.0.1" },
              engines: { node: ">=18.0.0" },
              exports: { ".": { import: "./dist/index.js", types: "./dist/index.d.ts" }, "./*": null },
              readme: "# quote\n\n```js\nquote(['a', '$b', '*.js']) // => 'a \\\\$b \\\\*.js'\n```\n",
              _nodeVersion: "24.12.0",
              dist: {
                integrity: `sha512-${d.base64(64)}`,
                shasum: d.hex(40),
                tarball: `http://localhost/${name}/-/x-1.0.0.tgz`,
              },
            },
          },
          access: "public",
          _attachments: {
            "x-1.0.0.tgz": { content_type: "application/octet-stream", data: d.base64(900), length: 900 },
          },
        },
        [npmAgent],
      );
    },
  },
  {
    name: "npm-search",
    make: (d) =>
      get(
        `/-/v1/search?text=${d.turn(["keywords:sql,orm", "not:unstable+select", "author:o%27brien", "scope:types%20node", "exec"])}&size=20&quality=0.65&popularity=0.98&maintenance=0.5`,
        [npmAgent],
      ),
  },
  {
    name: "yarn",
    make: (d) =>
      get(`/${d.turn(packages)}`, [
        ["User-Agent", "yarn/1.22.22 npm/? node/v20.11.1 darwin arm64"],
        ["Accept", "application/vnd.npm.install-v1+json; q=1.0, application/json; q=0.8, */*"],
      ]),
  },
  {
    name: "pip",
    make: (d) =>
      get(`/simple/${d.turn(["requests", "sqlalchemy", "ruamel-yaml-clib", "zope.interface"])}/`, [
        [
          "User-Agent",
          'pip/24.0 {"ci":null,"cpu":"x86_64","distro":{"id":"bookworm","libc":{"lib":"glibc","version":"2.36"},"name":"Debian GNU/Linux","version":"12"},"implementation":{"name":"CPython","version":"3.11.2"},"installer":{"name":"pip","version":"24.0"},"openssl_version":"OpenSSL 3.0.11 19 Sep 2023","python":"3.11.2","rustc_version":"1.63.0","setuptools_version":"68.1.2","system":{"name":"Linux","release":"6.1.0-18-amd64"}}',
        ],
        [
          "Accept",
          "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html; q=0.1, text/html; q=0.01",
        ],
      ]),
  },
  {
    name: "pip-file",
    make: (d) =>
      get(
        `/packages/${d.hex(2)}/${d.hex(2)}/${d.hex(60)}/numpy-${version(d)}-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl#sha256=${d.hex(64)}`.split(
          "#",
        )[0]!,
        [["Range", "bytes=0-10239"]],
      ),
  },
  {
    name: "twine-upload",
    make: (d) =>
      multipart(d, "/legacy/", [
        { name: ":action", value: "file_upload" },
        { name: "metadata_version", value: "2.1" },
        { name: "name", value: "sql-select" },
        { name: "version", value: version(d) },
        { name: "summary", value: "It's a query builder: select, where & order by" },
        { name: "classifiers", value: "License :: OSI Approved :: MIT License" },
        { name: "requires_dist", value: 'importlib-metadata>=4.4; python_version < "3.10"' },
        { name: "requires_python", value: ">=3.9,!=3.9.7,<4" },
        {
          name: "description",
          value: "Usage\n=====\n\n>>> select('a').where(x > 1)\n'SELECT a WHERE x > 1'\n",
        },
        { name: "sha256_digest", value: d.hex(64) },
        {
          name: "content",
          value: d.bytes(700),
          filename: `sql_select-${version(d)}.tar.gz`,
          type: "application/octet-stream",
        },
      ]),
  },
  {
    name: "cargo-sparse",
    make: (d) =>
      get(`/${d.turn(["se/rd/serde", "to/ki/tokio", "1/a", "3/l/log", "op/en/openssl-sys"])}`, [
        ["User-Agent", "cargo/1.80.0 (376290515 2024-07-16)"],
        ["cargo-protocol", "version=1"],
        ["if-none-match", `"${d.hex(32)}"`],
      ]),
  },
  {
    name: "cargo-download",
    make: (d) =>
      get(
        `/api/v1/crates/${d.turn(["regex", "cc", "proc-macro2"])}/${version(d)}+wasi-snapshot.${d.int(1, 9)}/download`,
      ),
  },
  {
    name: "docker-manifest",
    make: (d) =>
      get(
        `/v2/library/${d.turn(["node", "postgres", "busybox"])}/manifests/${d.pick(["latest", `sha256:${d.hex(64)}`])}`,
        [
          [
            "User-Agent",
            "docker/26.1.4 go/go1.21.11 git-commit/de5c9cf kernel/6.1.0-18-amd64 os/linux arch/amd64 UpstreamClient(Docker-Client/26.1.4 \\(linux\\))",
          ],
          ["Accept", "application/vnd.docker.distribution.manifest.v2+json"],
          ["Accept", "application/vnd.oci.image.index.v1+json, */*"],
        ],
      ),
  },
  {
    name: "docker-token",
    make: (d) =>
      get(
        `/token?account=${d.pick(["bob", "o.brien"])}&scope=repository%3Alibrary%2Fnode%3Apull%2Cpush&scope=repository:a/b:*&service=registry.example.com`,
        [["Authorization", `Basic ${Buffer.from(`bob:${d.token(20)}'"`).toString("base64")}`]],
      ),
  },
  {
    name: "docker-upload",
    make: (d) =>
      send(
        "PATCH",
        `/v2/team/app/blobs/uploads/${d.uuid()}?_state=${d.base64url(120)}%3D%3D`,
        "application/octet-stream",
        Buffer.concat([Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]), d.bytes(2048)]),
        [["Content-Range", "0-2057"]],
      ),
  },
  {
    name: "maven",
    make: (d) =>
      get(`/maven2/org/springframework/spring-core/${version(d)}/spring-core-${version(d)}.jar.sha1`, [
        ["User-Agent", "Apache-Maven/3.9.6 (Java 17.0.10; Linux 6.1.0-18-amd64)"],
      ]),
  },
  {
    name: "go-proxy",
    make: (d) =>
      get(
        `/${d.turn(["golang.org/x/net", "github.com/!burnt!sushi/toml", "gopkg.in/yaml.v3"])}/@v/v0.0.0-20240102150405-${d.hex(12)}.mod`,
        [["User-Agent", "Go-http-client/1.1"]],
      ),
  },
  {
    name: "apt",
    make: (d) =>
      get(`/debian/pool/main/libs/libstdc++/libstdc++6_${version(d)}+deb12u1~bpo11+1_amd64.deb`, [
        ["User-Agent", "Debian APT-HTTP/1.3 (2.6.1)"],
        ["If-Range", "Tue, 04 Mar 2025 10:12:33 GMT"],
      ]),
  },
  {
    name: "rubygems",
    make: (d) =>
      get(`/api/v1/dependencies?gems=rails,rack-test,net-ssh,${d.pick(["sql_enum", "execjs"])}`, [
        [
          "User-Agent",
          `bundler/2.5.6 rubygems/3.5.6 ruby/3.3.0 (x86_64-pc-linux-gnu) command/install options/no_install,path ci/ci ${d.hex(16)}`,
        ],
      ]),
  },
  {
    name: "nuget",
    make: (d) =>
      get(
        `/v3/registration5-gz-semver2/newtonsoft.json/index.json?q=tags:"json"&prerelease=false&semVerLevel=2.0.0&skip=${d.int(0, 100)}`.replaceAll(
          '"',
          "%22",
        ),
        [
          ["User-Agent", "NuGet Command Line/6.8.0 (Microsoft Windows NT 10.0.19045.0)"],
          ["X-NuGet-Session-Id", d.uuid()],
        ],
      ),
  },
  {
    name: "composer",
    make: (d) =>
      get(`/p2/${d.turn(["symfony/console", "doctrine/dbal", "laravel/framework~dev"])}.json`, [
        ["User-Agent", "Composer/2.7.1 (Linux; 6.1.0-18-amd64; PHP 8.2.7; cURL 7.88.1; Platform-PHP 8.1)"],
      ]),
  },
];
