import type { LinearPattern } from "./linear-pattern.ts";
import { isManyLines, isOutsideScript } from "./shell-script.ts";

/** cmd.exe and PowerShell constructs that are recognised by their own grammar. */
export const WINDOWS_PATTERNS: readonly LinearPattern[] = [
  {
    kind: "command.windows_loop",
    needs: [" in (", " in("],
    pattern:
      /\bfor\s{1,40}(?:\/[dflr]\s{1,40}){0,4}(?:"[^"\n]{0,60}"\s{1,20}|[a-z]:\\\S{0,60}\s{1,20})?%{1,2}[a-z]\w{0,20}\s{1,20}in\s{0,20}\([^)\n]{0,200}\)\s{0,20}do\b/g,
    accept: isOutsideScript,
  },
  {
    kind: "command.windows_loop",
    needs: ["if exist", "if not", "if /i", "if defined", "errorlevel", "cmdextversion", "if %", 'if "%'],
    pattern:
      /\bif\s{1,8}(?:\/i\s{1,8})?(?:not\s{1,8})?(?:exist\s{1,8}\S{1,80}|defined\s{1,8}\w{1,40}|errorlevel\s{1,8}\d{1,3}|cmdextversion\s{1,8}\d|"?%[\w:~]{1,30}%?"?\s{0,4}==\s{0,4}\S{1,40})\s{1,8}(?:\(|cmd|start|del|copy|echo|call|set|goto|type|net|reg|for|rd|md)\b/g,
    accept: isOutsideScript,
  },
  {
    // `%ProgramFiles:~10,1%`: letters cut out of a variable that Windows sets.
    kind: "command.windows_command",
    needs: [":~"],
    pattern:
      /%(?:programfiles|programdata|windir|comspec|path|pathext|systemroot|systemdrive|username|userprofile|os|public|appdata|te?mp|homepath|psmodulepath|allusersprofile|commonprogramfiles)(?:\([x0-9]{1,3}\))?:~-?\d{1,3}(?:,-?\d{1,3})?%/g,
  },
  {
    kind: "command.windows_command",
    needs: ["cmd /", "cmd.exe", 'cmd" /', "cmd' /", "cmd/", "%comspec%", "%system", "%windir%"],
    pattern:
      /(?:\bcmd(?:\.exe)?["']?\s{0,4}(?:\/[a-z]:?(?:on|off)?\s{0,4}){0,3}\/[ck]\s{0,4}["']{0,2}\s{0,4}(?:[\w.%^"\\/-]{2,60})|%comspec%|%(?:system(?:root|drive)|windir)%[\\/]|\bcmd\.exe\?\/c|\bwinnt\/system32\/cmd)/g,
    accept: (match, subject) =>
      isOutsideScript(match, subject) &&
      !/^cmd(?:\.exe)?\s{0,4}\/[ck]\s{1,4}(?:is|was|to|or|and|keys?|vs|versus|means?|options?|switch|flag|parameters?|difference|in|for|with|does)\b/.test(
        subject.lower.slice(match.index, match.index + 32),
      ),
  },
  {
    // A formula that links to a program (application|'topic'!item): a spreadsheet starts it where an export is opened.
    kind: "command.windows_command",
    needs: [
      "cmd|",
      ".exe|",
      "powershell|",
      "pwsh|",
      "excel|",
      "mshta|",
      "dll32|",
      "svr32|",
      "cript|",
      "util|",
      "exec|",
    ],
    pattern:
      /^["\s]{0,4}[=+@-][^|\n]{0,60}?\b(?:cmd|powershell|pwsh|msexcel|mshta|rundll32|regsvr32|[wc]script|certutil|msiexec)(?:\.exe)?\|\s?'[^'\n]{0,300}'!/g,
  },
  {
    kind: "command.powershell",
    needs: [
      "powershell",
      "iex",
      "invoke-",
      "new-object",
      ".downloadstring",
      ".downloadfile",
      ".downloaddata",
      "]::",
      "iwr ",
      "irm -",
      "irm h",
      'irm "',
      "irm '",
      "iwmi ",
      "start-bits",
      "start-process",
      "saps ",
      "set-mppref",
      "icm -",
    ],
    pattern:
      /\bpowershell(?:\.exe)?["']?\s{1,8}\/(?:e|en|enc|encodedcommand|c|command|w|nop)\s|[;|&]\s{0,4}powershell(?:\.exe)?\s{1,4}[a-z]{2,10}-[a-z]{3,20}\b|\[scriptblock\]::create\s{0,4}\(|\bset-mppreference\s{1,4}-|^(?:iex|invoke-expression|start-process|saps)\s{1,4}[\w.\\:-]{2,60}\s{0,4}$|\bpowershell(?:\.exe)?["']?\s{1,8}(?:-(?:\w{1,20})(?:\s{1,4}(?!-)[\w:/\\.]{1,40})?\s{1,4}){0,6}-(?:e|ec|en|enc|enco\w{0,10}|c|command|f|file|w|windowstyle|nop|noprofile|noni|noninteractive|ep|exec|executionpolicy|inputformat|version)\b|\b(?:iex|invoke-expression)\s{0,8}[("'$&]|\bnew-object\s{1,8}(?:system\.)?(?:net\.(?:webclient|sockets\.tcpclient)|io\.streamreader|management\.automation)|\(?\bnew-object\s{1,8}-com(?:object)?\s{1,8}["']?(?:wscript|shell|msxml2|scripting)|\.download(?:string|file|data)\s{0,4}\(\s{0,4}["']|\[(?:system\.)?(?:convert|text\.encoding|reflection\.assembly|diagnostics\.process|io\.file|net\.servicepointmanager|runtime\.interopservices\.marshal)\]::|\b(?:invoke-webrequest|invoke-restmethod|iwr|irm|start-bitstransfer|invoke-wmimethod|iwmi|start-process|saps|invoke-command|icm)\s{1,8}(?:-\w{2,20}\s{1,4}){1,4}\S|\b(?:iwr|irm|invoke-webrequest|invoke-restmethod)\s{1,8}["']?https?:\/\/\S{1,200}\s{0,4}(?:\||-outfile|-o\b|;)/g,
    accept: isOutsideScript,
  },
  {
    // VBScript of classic ASP: what web shells of that age are fed with.
    kind: "command.script_host",
    needs: [
      "server.",
      "on error resume next",
      "response.write",
      "createobject",
      "getobject",
      "eval request",
      "execute request",
      "execute(",
    ],
    pattern:
      /\bserver\.(?:scripttimeout\s{0,4}=|createobject\s{0,4}\(|mappath\s{0,4}\(|execute\s{0,4}\(["'])|:\s{0,4}on error resume next\s{0,4}:|\bresponse\.write\s{0,4}\(\s{0,4}["']{1,4}[^"']{0,40}["']|\b(?:create|get)object\s{0,4}\(\s{0,4}["']{1,2}(?:wscript|scripting|adodb|msxml|shell|winmgmts|microsoft\.xml)|\b(?:eval|execute(?:global)?)[\s(]{1,4}request\b/g,
    // Servers of other languages have a response to write to.
    accept: (match, { lower }) => !match[0].startsWith("response") || !isManyLines(lower),
  },
  {
    // `& net user`, `| tasklist`: nothing but the tool behind the sign that begins the value.
    kind: "command.windows_tool",
    needs: [
      "net ",
      "tasklist",
      "systeminfo",
      "ipconfig",
      "whoami",
      "iex",
      "start ",
      "ver",
      "hostname",
      "netstat",
      "gci",
      "sc q",
      "reg q",
      "query ",
      "fsutil",
      "mklink",
      "attrib",
      "powershell",
      "pwsh",
      "& cd",
      "&cd",
      "& set",
      "vol",
      "qwinsta",
      "quser",
    ],
    pattern:
      /^[\s"')]{0,4}[\w.-]{0,16}\s?[&|;]{1,2}\s{0,2}(?:net1?(?:\.exe)?\s{1,2}(?:user|users|view|share|start|session|accounts|localgroup|group|config|statistics)|tasklist|systeminfo|ipconfig|whoami|iex|qwinsta|quser|netstat|start\s{1,2}(?:(?:calc|notepad|cmd|powershell)(?:\.exe)?|https?:\S{1,80}|\\\\\S{1,80})|net1?\s{1,2}(?:localgroup|group|user)\s{1,2}\w{1,40}|sc\s{1,2}query(?:ex)?|reg\s{1,2}query\s{1,2}hk\S{1,60}|query\s{1,2}(?:user|session)|fsutil\s\S[^\n]{1,60}|mklink\s[^\n]{1,60}|attrib\s{1,2}[+-][^\n]{1,60}|(?:powershell|pwsh)(?:\.exe)?\s{1,2}[\w-]{2,40}(?:\s{1,2}\S{1,40})?|cd|vol|ver|set)[\s&|;"'#]{0,4}$/g,
  },
  {
    kind: "command.windows_tool",
    needs: [
      "certutil",
      "bitsadmin",
      "mshta",
      "regsvr32",
      "rundll32",
      "wmic",
      "reg add",
      "reg query",
      "reg delete",
      "reg save",
      "reg export",
      "reg.exe",
      "net user",
      "net local",
      "net group",
      "net view",
      "net use",
      "net1",
      "net.exe",
      "netsh",
      "schtasks",
      "vssadmin",
      "sc create",
      "sc config",
      "sc query",
      "sc start",
      "sc stop",
      "sc delete",
      "sc \\\\",
      "sc.exe",
      "set /",
    ],
    pattern:
      /\bcertutil(?:\.exe)?\s{1,8}(?:-\w{2,20}\s{1,8}){0,4}-(?:urlcache|decode|encode|verifyctl|ping)\b|\bbitsadmin(?:\.exe)?\s{1,8}\/(?:transfer|create|addfile)\b|\bmshta(?:\.exe)?\s{1,8}["']?(?:https?:|javascript:|vbscript:)|\bregsvr32(?:\.exe)?\s{1,8}(?:\/\w{1,4}(?::\S{1,80})?\s{1,8}){0,5}(?:\/i:https?:|scrobj)|\brundll32(?:\.exe)?\s{1,8}["']?(?:javascript:|\\\\|[\w.]{1,30},)|\bwmic(?:\.exe)?\s{1,8}(?:\/\w{1,12}:\S{1,60}\s{1,8}){0,4}(?:process\s{1,8}(?:call|get|list|where)|os\s{1,4}(?:get|list)|qfe\b|useraccount\b|product\s{1,4}(?:get|list)|service\s{1,4}(?:get|list|where)|computersystem\b|shadowcopy\b|logicaldisk\b)|\b(?:reg(?:\.exe)?)\s{1,8}(?:add|query|delete|save|export)\s{1,8}["']?(?:hk(?:lm|cu|cr|u|cc)|hkey_)[\\_]|\bnet(?:1|\.exe)?\s{1,8}(?:(?:user|localgroup|group)\s{1,8}[^\n]{1,80}?\/(?:add|active|delete|domain)\b|view(?:\s{1,4}(?:\\\\|\/domain)|\s{0,4}$)|use\s{1,4}(?:\w:|\\\\|\*))|\bnetsh\s{1,8}(?:advfirewall|firewall|interface|wlan|winhttp|trace)\s{1,8}(?:set|add|show|delete|export|portproxy|reset)\b|\bschtasks\s{1,8}\/(?:create|query|run|delete|change)\b|\bvssadmin\s{1,4}(?:delete|create|list)\s|\bsc(?:\.exe)?\s{1,8}(?:\\\\\S{1,40}\s{1,4})?(?:create|config|query|start|stop|delete)\s{1,4}\w{1,40}(?:\s{1,4}(?:binpath|type|start)=|\s{0,4}[&|]|$)|\bset\s{1,4}\/[ap]\s{1,4}\S{0,20}\d{1,9}\s{0,4}[*+%-]\s{0,4}\d/g,
    accept: (match, subject) =>
      isOutsideScript(match, subject) &&
      (match.index <= 3 ||
        /[;|&\n("'`>]\s{0,4}$/.test(subject.lower.slice(Math.max(0, match.index - 5), match.index)) ||
        subject.lower.length < 200),
  },
];
