import type { Detection, Detector, Subject } from "../detection.ts";
import { reportOnce } from "./once.ts";

/**
 * Names that attack tools give themselves in User-Agent, lower-case. Only tools whose purpose is to find or use holes:
 * no search engines, monitors, archivers, HTTP libraries or load generators, which have honest users.
 */
const TOOLS: readonly string[] = [
  "absinthe", "acunetix", "appscan", "arachni", "autogetcontent", "bbscan", "betabot", "black widow", "blackwidow", "brutus", "burpcollaborator",
  "burp-suite", "burpsuite", "cgichk", "chaoticwebcrawler", "commix", "core-project/1.0", "crowdsec-scanner", "dalfox", "datacha0s",
  "detectify", "dirb/", "dirbuster", "dirsearch", "domino hunter", "dotdotpwn", "droopescan", "email extractor", "evilscan", "evil-sql",
  "feroxbuster", "ffuf", "fhscan core", "fimap", "floodgate", "fuzz faster u fool", "fuzzfaster", "get-minimal", "gobuster", "gootkit",
  "golismero", "grabber/", "grendel-scan", "gxspider", "havij", "hexometer-scan", "hydra", "httprecon", "inspathx", "internet-ninja",
  "interactsh", "jaascois", "jaeles", "joomscan", "jorgee", "katana-scan", "libwhisker", "log4j-scan", "masscan", "metasploit", "metis",
  "morfeus", "mozilla/5.0 sf/", "mysqloit", "n-stealth", "nessus", "netsparker", "invicti", "network-services-auditor", "nikto", "nmap nse",
  "nmap scripting", "nosqlmap", "nsauditor", "nuclei", "oast.fun", "oast.live", "oast.me", "oast.online", "oast.pro", "oast.site",
  "openvas", "osmedeus", "padbuster", "pangolin", "paros", "patrik/", "pmafind", "prog.customcrawler", "purebot", "qqgamehall", "qualys",
  "rustbuster", "s.t.a.l.k.e.r", "scanbot", "secscan", "shellshock", "skipfish", "smtp-brute", "spiderfoot", "springenwerk", "sql power injector",
  "sqlmap", "sqlninja", "sqlsus", "struts-pwn", "sysscan", "teh forest lobster", "this is an exploit", "toata dragostea", "tplmap",
  "uil2pn", "user-agent: sqlmap", "vega/", "voideye", "w3af", "wafw00f", "webbandit", "webcruiser", "webinspect", "webshag", "webtrends security",
  "webvulnscan", "wfuzz", "whatweb", "whcc/", "wordpress hash grabber", "wpscan", "wprecon", "wapiti", "x-scan", "xsser", "xsstrike", "xspider",
  "zap/", "owasp zap", "owasp_zap", "zaproxy", "zgrab", "zmeu",
]; // biome-ignore format: a list of names

/** Names that are also words or parts of other names: they count at the start of a word only, and with a version or end. */
const SHORT = new Set([
  "hydra",
  "metis",
  "paros",
  "vega/",
  "zap/",
  "dirb/",
  "ffuf",
  "grabber/",
  "whcc/",
  "patrik/",
  "floodgate",
  "pangolin",
  "brutus",
  "wapiti",
]);

/** User agents of tools whose only use is to attack. For the header place `user-agent`. */
export const scanner: Detector = {
  name: "scanner",
  kinds: {
    "scanner.tool": "the user agent of a tool that searches for holes",
    "scanner.script": "a user agent that names a vulnerability check's script file",
  },
  triggers: [...TOOLS, ".nasl"],
  detect,
};

function detect(subject: Subject, found: Detection[]): void {
  const from = found.length;
  const { lower } = subject;
  const nasl = /[a-z0-9_]\.nasl(?:$|\W)/.exec(lower);
  if (nasl !== null) reportOnce(found, from, "scanner.script", nasl.index, nasl.index + 6);
  for (const tool of TOOLS) {
    const at = lower.indexOf(tool);
    if (at < 0 || !isTool(lower, at, tool)) continue;
    reportOnce(found, from, "scanner.tool", at, at + tool.length);
    return;
  }
}

function isTool(lower: string, at: number, tool: string): boolean {
  // A letter right before makes it another word, unless a version ends there: `Mozilla/5.0nikto`.
  if (at > 0 && /[a-z_-]/.test(lower[at - 1]!)) return false;
  if (!SHORT.has(tool)) return true;
  if (tool.endsWith("/")) return /[\dv]/.test(lower[at + tool.length] ?? "");
  return /^(?:$|\/|[-. ]?v?\d|\.[a-z])/.test(lower.slice(at + tool.length, at + tool.length + 4));
}
