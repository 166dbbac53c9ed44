import { navigation, scripted } from "./browser.ts";
import type { Draw } from "./draw.ts";
import { form, get, json, multipart, query, send, type Template } from "./template.ts";

/** What applications sent behind the gateway that was refused once (2026-11-23): WordPress, phpMyAdmin, Zabbix, forges and others. */

const files = [
  ..."schema.sql .gitignore .dockerignore .npmrc .bashrc .env.example .htaccess web.config config.inc.php".split(
    " ",
  ),
  ..."wp-config.php .vscode/settings.json .idea/workspace.xml log/error.log data.mdb x.sqlite3 .x.swp id_rsa".split(
    " ",
  ),
  ..."src/main/webapp/WEB-INF/web.xml rootfs/etc/passwd debian/etc/hosts etc/ssh/sshd_config boot.ini".split(
    " ",
  ),
];
const shown = [
  "/anna/tools/src/branch/main/",
  "/o/r/blob/main/",
  "/group/proj/-/blob/main/db/",
  "/api/v4/projects/1/repository/files/",
  "/projects/web/repository/main/entry/",
  "/cgit/tools.git/tree/",
  "/cgit/tools.git/plain/",
  "/api/contents/work/",
  "/attachments/download/2/",
  "/remote.php/dav/files/bob/",
  "/hg/tools/raw-file/tip/",
  "/rest/api/1.0/projects/P/repos/r/browse/",
];
const commands = [
  ...[
    "ls -la /tmp",
    "ipconfig /all",
    "ping -c 4 example.org",
    "tar -xzf a.tar.gz",
    "df -h /",
    "chmod 755 run.sh",
  ],
  ...[
    "systemctl status nginx",
    "git pull --rebase",
    "netstat -an",
    "nslookup example.org",
    "curl -I https://example.org/",
  ],
];
const columns = "id ip set route env who cat ps python perl pwd ls uname curl df du crontab".split(" ");
const words = "error fail halt kill reboot debugfs whoami proc tmpfs id mount shutdown".split(" ");
const codeTypes = [
  '<script src="app.js"></script>',
  "<script>alert('hi');</script>",
  "<?php echo $_GET['x']; ?>",
  '<!DOCTYPE html><html><body onload="init()">',
];
const escaped = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

/** One text as applications carry it: in JSON, in a form, in a part. */
function carried(d: Draw, name: string, text: string) {
  switch (d.pick(["json", "form", "part"])) {
    case "json":
      return json("POST", "/api/posts/15", { title: "Notes", [name]: text }, scripted(d));
    case "form":
      return form(
        "/posts/15",
        [
          ["_token", d.token(20)],
          [name, text],
        ],
        navigation(d),
      );
    default:
      return multipart(
        d,
        "/posts/15",
        [
          { name: "_token", value: d.token(20) },
          { name, value: text },
        ],
        navigation(d),
      );
  }
}

/** A JAR as jar(1) writes it, up to what a scan sees: local heads and stored bytes. */
function archive(d: Draw, names: readonly string[]): Uint8Array {
  const pieces = names.map((name) => {
    const head = Buffer.alloc(30);
    head.writeUInt32LE(0x04034b50, 0);
    head.writeUInt16LE(20, 4);
    const bytes = d.bytes(400 + d.int(0, 2000));
    head.writeUInt32LE(bytes.length, 18);
    head.writeUInt32LE(bytes.length, 22);
    head.writeUInt16LE(name.length, 26);
    return Buffer.concat([head, Buffer.from(name), bytes]);
  });
  return Buffer.concat(pieces);
}

export const applications: readonly Template[] = [
  {
    name: "file-of-a-forge",
    make: (d) => get(`${d.pick(shown)}${d.pick(files)}${d.pick(["", "?ref=main", "?raw=1"])}`, navigation(d)),
  },
  {
    name: "quoted-command",
    make: (d) => {
      const quote = d.pick(["&quot;", "&#39;", "&nbsp;", "&ldquo;"]);
      const end = quote === "&ldquo;" ? "&rdquo;" : quote;
      return carried(
        d,
        "content",
        `<p>Use ${quote}${d.pick(commands)}${end} first, then tell us what it says.</p>`,
      );
    },
  },
  {
    name: "code-in-a-page",
    make: (d) => {
      const tag = d.pick(["<pre><code>", '<pre class="language-bash"><code>', "<code>"]);
      const line = d.pick([
        "for i in {1..5}; do echo $i; sleep 1; done",
        "cd /srv/app && docker compose pull && docker compose up -d",
        "ps aux | grep nginx | awk '{print $2}'",
        "sudo apt-get update; sudo apt-get upgrade",
      ]);
      const ends = tag.startsWith("<pre") ? "</code></pre>" : "</code>";
      return carried(d, "content", `<p>Hi,</p><p>we did this:</p>${tag}${line}${ends}<p>and it worked</p>`);
    },
  },
  {
    name: "escaped-code-in-a-page",
    make: (d) =>
      carried(
        d,
        "body",
        `<p>This is the line:</p><pre><code>${escaped(d.pick(codeTypes))}</code></pre><p>Why?</p>`,
      ),
  },
  {
    // An editor's row of eleven columns is 150 parts.
    name: "many-parts",
    make: (d) =>
      multipart(
        d,
        "/index.php?route=/table/replace",
        Array.from({ length: 101 + d.int(0, 900) }, (_, at) => ({
          name: `fields[${at}]`,
          value: d.pick(["", "x", "12", "null"]),
        })),
        navigation(d),
      ),
  },
  {
    name: "column-in-backticks",
    make: (d) => {
      const column = d.pick(columns);
      const clause = d.pick([
        `\`customers\`.\`${column}\` = 2`,
        `t.\`${column}\` = 1`,
        `SELECT * FROM \`customers\` ORDER BY \`customers\`.\`${column}\` DESC`,
        `UPDATE \`users\` SET \`name\` = 'x' WHERE \`users\`.\`${column}\` = 5`,
      ]);
      return get(
        `/index.php?${query([
          ["route", "/table/change"],
          ["db", "shop"],
          ["where_clause", clause],
        ])}`,
        navigation(d),
      );
    },
  },
  {
    name: "alternatives",
    make: (d) => {
      const some = Array.from({ length: 2 + d.int(0, 5) }, () => d.pick(words)).join("|");
      return json(
        "POST",
        "/api_jsonrpc.php",
        {
          jsonrpc: "2.0",
          method: "item.create",
          params: { filter: d.pick([`^(${some})$`, `(?i)(${some})`, `(${some})`]) },
          id: 1,
        },
        scripted(d),
      );
    },
  },
  {
    name: "mail-as-a-file",
    make: (d) => {
      const mail = `From: Bob <bob${d.int(0, 100)}@example.org>\r\nTo: support@example.org\r\nCc: ann@example.org\r\nSubject: hi\r\n\r\nhello\r\n`;
      return d.pick([
        () =>
          multipart(d, "/REST/1.0/NoAuth/mail-gateway", [
            { name: "message", value: mail, filename: "abc", type: "application/octet-stream" },
          ]),
        () =>
          multipart(
            d,
            "/?_task=mail&_action=upload",
            [{ name: "_attachments[]", value: mail, filename: "note.eml", type: "message/rfc822" }],
            navigation(d),
          ),
        () => send("PUT", "/mail/1.eml", "message/rfc822", mail),
      ])();
    },
  },
  {
    name: "soap-with-attachments",
    make: (d) => {
      const include = `<xop:Include xmlns:xop="http://www.w3.org/2004/08/xop/include" href="cid:${d.token(8)}@example.org"/>`;
      const soap = `<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body><data>${include}</data></s:Body></s:Envelope>`;
      return send(
        "POST",
        "/services/Documents",
        'multipart/related; boundary="B"; type="application/xop+xml"; start="<0@x>"; start-info="application/soap+xml"',
        `--B\r\nContent-Type: application/xop+xml; charset=UTF-8; type="application/soap+xml"\r\nContent-ID: <0@x>\r\n\r\n${soap}\r\n--B--\r\n`,
      );
    },
  },
  {
    name: "frame-of-the-same-site",
    make: (d) =>
      carried(
        d,
        "message",
        `<p>Watch:</p><iframe src="/media_objects_iframe/m-${d.token(6)}?type=video" width="400"></iframe>`,
      ),
  },
  {
    name: "watched-instance",
    make: (d) =>
      json("POST", "/alerts", {
        version: "4",
        status: "firing",
        alerts: [
          {
            labels: {
              alertname: "Down",
              instance: `${d.pick(["localhost", "127.0.0.1", "0.0.0.0"])}:${d.pick([9100, 5432, 9090, 80])}`,
            },
          },
        ],
      }),
  },
  {
    name: "file-address-in-a-text",
    make: (d) => carried(d, "comment", `Please see file:///home/bob/${d.token(5)}.txt before the meeting`),
  },
  {
    name: "java-archive",
    make: (d) => {
      const jar = archive(d, [
        "META-INF/",
        "META-INF/MANIFEST.MF",
        "WEB-INF/web.xml",
        "org/example/App.class",
        ".env",
        "etc/passwd",
      ]);
      return d.pick([
        () => send("PUT", "/repository/maven/app-1.0.jar", "application/java-archive", jar),
        () => send("PUT", "/files/app-1.0.jar", "application/octet-stream", jar),
        () => ({ method: "PUT", target: "/files/app-1.0.jar", headers: [], body: jar }),
        () =>
          multipart(
            d,
            "/pluginManager/uploadPlugin",
            [{ name: "name", value: jar, filename: "app.jar", type: "application/java-archive" }],
            navigation(d),
          ),
      ])();
    },
  },
  {
    name: "file-without-a-type",
    make: (d) => ({
      method: "PUT",
      target: `/files/${d.token(6)}.jpg`,
      headers: [["User-Agent", "curl/8.5.0"]],
      body: d.bytes(300 + d.int(0, 40_000)),
    }),
  },
  {
    // A stream of the AWS SDK: signed piece by piece, or summed at the end.
    name: "s3-in-pieces",
    make: (d) => {
      const bytes = d.bytes(d.int(1, 20_000));
      const isSigned = d.round % 2 === 0;
      const mark = (): string => (isSigned ? `;chunk-signature=${d.hex(64)}` : "");
      const end = isSigned ? "\r\n" : `x-amz-checksum-crc32:${d.base64(4)}\r\n\r\n`;
      const body = [`${bytes.length.toString(16)}${mark()}\r\n`, bytes, `\r\n0${mark()}\r\n${end}`];
      return send(
        "PUT",
        `/bucket/${d.token(6)}.bin?x-id=PutObject`,
        "application/octet-stream",
        Buffer.concat(body.map((piece) => Buffer.from(piece))),
        [
          ["User-Agent", "aws-sdk-js/3.940.0 ua/2.1 os/linux lang/js md/nodejs#22.11.0 api/s3#3.940.0"],
          ["Content-Encoding", "aws-chunked"],
          ["X-Amz-Decoded-Content-Length", String(bytes.length)],
          [
            "X-Amz-Content-Sha256",
            isSigned ? "STREAMING-AWS4-HMAC-SHA256-PAYLOAD" : "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
          ],
        ],
      );
    },
  },
  {
    name: "records-with-file-names",
    make: (d) => {
      const file = d.pick([
        ..."/var/log/syslog /var/log/nginx/access.log /etc/nginx/nginx.conf /etc/localtime /proc/meminfo".split(
          " ",
        ),
        ..."/etc/prometheus/prometheus.yml /etc/ssl/certs/ca-certificates.crt /var/run/docker.sock".split(
          " ",
        ),
      ]);
      const event = JSON.stringify({
        "@timestamp": "2026-11-23T10:00:00Z",
        log: { file: { path: file }, offset: d.int(0, 9999) },
      });
      return d.pick([
        () => send("POST", "/_bulk", "application/x-ndjson", `{"create":{"_index":"logs"}}\n${event}\n`),
        () => send("POST", "/filebeat/_doc", "application/json", event),
        () =>
          json("POST", "/loki/api/v1/push", {
            streams: [
              { stream: { filename: file, job: "varlogs" }, values: [["1795450001000000000", "up"]] },
            ],
          }),
        () =>
          json("POST", "/api/v1/namespaces/default/pods", {
            kind: "Pod",
            spec: { containers: [{ name: "a", volumeMounts: [{ name: "v", mountPath: file }] }] },
          }),
      ])();
    },
  },
  {
    name: "types-of-clients",
    make: (d) => {
      const [type, body] = d.pick([
        [
          "application/vnd.elasticsearch+x-ndjson;compatible-with=8",
          '{"index":{}}\n{"message":"it is up"}\n',
        ],
        ["application/vnd.flux", 'from(bucket: "a") |> range(start: -1h)'],
        ["application/apply-patch+yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n"],
        ["application/sparql-query", "SELECT ?s WHERE { ?s a <http://example.org/T> } LIMIT 10"],
        ["application/sdp", "v=0\r\no=- 4611 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"],
        [
          "application/x-sentry-envelope",
          '{"event_id":"9ec79c33ec9942ab8353589fcb2e04dc"}\n{"type":"session"}\n{"sid":"1"}\n',
        ],
      ] as const);
      return send("POST", "/ingest", type, body);
    },
  },
  {
    name: "method-override",
    make: (d) =>
      json("POST", `/wp-json/wp/v2/posts/${d.int(0, 99)}?_locale=user`, { title: "Café" }, [
        ...scripted(d),
        ["X-HTTP-Method-Override", d.pick(["PUT", "DELETE", "PATCH"])],
      ]),
  },
  {
    name: "brackets-in-a-path",
    make: (d) => get(`/files/photo[${d.int(0, 9)}].pdf`, navigation(d)),
  },
];
