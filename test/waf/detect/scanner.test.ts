import assert from "node:assert/strict";
import { test } from "node:test";
import { scanner } from "../../../src/waf/detect/scanner.ts";
import { kindsOf } from "./markup-detectors.ts";

test("attack tools are known by their user agents", () => {
  const agents = [
    "sqlmap/1.8.2#stable (https://sqlmap.org)",
    "Mozilla/5.00 (Nikto/2.5.0) (Evasions:None) (Test:000003)",
    "Nuclei - Open-source project (github.com/projectdiscovery/nuclei)",
    "Mozilla/5.0 (compatible; Nmap Scripting Engine; https://nmap.org/book/nse.html)",
    "gobuster/3.6",
    "feroxbuster/2.10.0",
    "Fuzz Faster U Fool v2.1.0",
    "WPScan v3.8.25 (https://wpscan.com/wordpress-security-scanner)",
    "Mozilla/5.0 zgrab/0.x",
    "masscan/1.3 (https://github.com/robertdavidgraham/masscan)",
    "DirBuster-1.0-RC1 (http://www.owasp.org/index.php/Category:OWASP_DirBuster_Project)",
    "Acunetix Web Vulnerability Scanner",
    "Mozilla/5.0 (X11; U; OpenVAS-VT 22.4.1)",
    "some_check.nasl",
    "Hydra/9.5",
    "w3af.org",
  ];
  for (const agent of agents) assert.equal(kindsOf(scanner, agent).length, 1, agent);
});

test("browsers, bots, monitors, libraries and words that hold a tool's name are not", () => {
  const agents = [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36",
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
    "curl/8.5.0", "Wget/1.21", "python-requests/2.32.3", "Go-http-client/2.0", "okhttp/4.12", "PostmanRuntime/7.39", "axios/1.7",
    "UptimeRobot/2.0", "Pingdom.com_bot_version_1.4", "Prometheus/2.53", "kube-probe/1.30", "ELB-HealthChecker/2.0",
    "urlgrabber/3.10 yum/3.4.3", "mozilla/5.0 ecairn-grabber/1.0 (+http://ecairn.com/grabber)", "facebookexternalhit/1.1",
    "Mozilla/5.0 (Linux; Android 13; Hydra X2) Mobile", "com.example.metis-app/4.1", "Zapier", "k6/0.51", "Apache-HttpClient/4.5 (Java/17)",
    "Mozilla/5.0 (Linux; Vegas 5) App", "Slackbot-LinkExpanding 1.0", "Brutus the dog", "Amazon CloudFront", "git/2.45.1", "npm/10.8 node/v24",
  ]; // biome-ignore format: a list
  for (const agent of agents) assert.deepEqual(kindsOf(scanner, agent), [], agent);
});
