import type { Detector } from "../detection.ts";
import { detectorsOf, type LinearPattern } from "./linear-pattern.ts";
import { isOutsideScript } from "./shell-script.ts";
import { WINDOWS_PATTERNS } from "./shell-windows.ts";

/** Command lines that their own grammar gives away, wherever they stand: reverse shells, one-liners, cmd.exe, PowerShell. */

const PATTERNS: readonly LinearPattern[] = [
  {
    kind: "command.reverse_shell",
    needs: [
      "/dev/tcp/",
      "/dev/udp/",
      " -e /",
      " -e cmd",
      " -e sh",
      " -e bash",
      " -e power",
      "nc -",
      "nc  -",
      "ncat ",
      "netcat ",
      "nc.traditional",
      "nc.openbsd",
      "nc.exe",
      "-exec ",
      "--exec ",
      "sh -i",
      "mkfifo",
      "socat",
      "dup2",
      "fsockopen",
      "telnet ",
      "socket(s",
      "socket (s",
      "tcpsocket",
      "pty.spawn",
      "/bin/sh",
      "/bin/bash",
      "/bin/dash",
      "/bin/zsh",
    ],
    pattern:
      /(?:[<>&\s"'=]|^)\/dev\/(?:tcp|udp)\/[\w.$-]{1,60}\/[\d$]|\b(?:nc|ncat|netcat|nc\.traditional|nc\.openbsd|nc\.exe)\s{1,8}(?:[\w.:-]{1,60}\s{1,8}){0,8}-{1,2}\w{0,6}(?:e|c|exec|sh-exec)\s{1,8}["']?(?:\/|cmd|sh\b|bash|powershell|[a-z]:)|\b(?:nc|ncat|netcat)\s{1,8}-[a-z]{0,3}l[a-z]{0,4}\s{1,8}(?:-p\s{0,4})?\d{2,5}|\b(?:ba|z|da|k|tc)?sh\s{1,4}-i\s{0,4}(?:[<>&|;"']|[012]>|$)|\bmkfifo\s{1,4}\/\w{1,20}\/\w{1,20}\s{0,4}[;&]|\bsocat\s{1,8}[^\n]{0,80}\bexec:|\bsocket\s{0,2}\.\s{0,2}socket\s{0,2}\([^\n]{0,200}\bdup2\s{0,2}\(|\bfsockopen\s{0,2}\([^\n]{0,120}(?:exec|system|proc_open|shell_exec)\s{0,2}\(|\btelnet\s{1,4}[\w.]{1,60}\s{1,4}\d{2,5}\s{0,4}\|\s{0,4}\/bin|\bsocket\s{0,4}\(\s{0,4}s\s{0,4},\s{0,4}pf_inet|\btcpsocket\.(?:open|new)\s{0,4}\(|\bpty\.spawn\s{0,4}\(|\bexec\s{0,4}\(?["']\/bin\/(?:ba|da|z)?sh["' ]/g,
  },
  {
    kind: "command.inline_code",
    needs: ["python", "perl", "ruby", "php -", "php  -", "node -", "lua", "awk ", "tclsh"],
    // A shell's own `-c` is judged by what it runs; other interpreters are started for code only.
    pattern:
      /(?:^|[;|&`(\n"'>]\s{0,4}|\bsudo\s|\bexec\s|\/bin\/)(?:python[\d.]{0,4}|perl|ruby|php|node|lua[\d.]{0,4}|awk|gawk|tclsh)\s{1,8}(?:-\w{1,12}\s{1,4}){0,3}-(?:c|e|r|ne|pe|ie|mio|le|nle|rsocket)\s{0,4}["'$`]/g,
    accept: isOutsideScript,
  },
  {
    kind: "command.inline_shell",
    needs: ["sh -c", "sh -lc", "sh  -c", "busybox -", "| crontab", "|crontab", "[ -", "env /bin"],
    pattern:
      /(?:^|[;|&`(\n]\s{0,4}|\/bin\/)(?:ba|z|da|k|tc|c|a|fi)?sh\s{1,4}-l?c\s{1,4}["'$]?\s{0,4}(?:\/|\$|\(|cat\s|curl\s|wget\s|id\b|ls\b|nc\s|ping\s|python|perl|rm\s|chmod\s|sleep\s|whoami|touch\s|uname|bash\b|sh\b|nslookup|dig\s|cd\s|exec\s|mkfifo|base64)|\|\s{0,4}crontab\s{1,4}-(?:\s|$)|^\s{0,4}\[{1,2}\s-[a-z]\s{1,4}\/(?:etc|proc|root|var)\/|^env\s{1,4}(?:-\S{1,20}\s)?\/bin\/|(?:^|[;|&`(\n]\s{0,4})busybox\s{1,4}-c\s{1,4}["']/g,
    accept: isOutsideScript,
  },
  {
    kind: "command.fetch_and_run",
    needs: ["curl ", "curl\t", "wget ", "wget\t", "fetch -", "fetch h", "lwp-download"],
    pattern:
      /(?:^|[;|&`(\n"'=]\s{0,4})(?:curl|wget|fetch|lwp-download)(?=\s)(?:[^\n|;&]{0,120}[;&|]{1,2}\s{0,4}(?:chmod\s{1,4}(?:\+x|[0-7]{3,4})|(?:sudo\s{1,4})?(?:ba|da|z)?sh\s{1,4}(?:\.\/|\/tmp|\/var|\w{1,20}\.sh)|\.\/\w)|[^\n|;&]{0,120}?\s-(?:o\s{0,4}\/(?:tmp|var|dev)|[a-z]{0,3}t\s{0,4}@?\/etc|(?:d|f|-data[a-z-]{0,12}|-form|-upload-file)\s{0,4}["']?(?:\w{1,20}=)?@?\/?(?:etc|proc|\$\(|`)))/g,
    accept: isOutsideScript,
  },
  {
    kind: "command.wrapper_option",
    needs: [
      "-wrapper",
      "--checkpoint-action",
      "--use-compress-program",
      "--to-command",
      "--rsh-command",
      "proxycommand",
      "localcommand",
      "queuedirectory",
      "-x/",
      "-x /",
      "--upload-pack",
      "--exec",
      "-exec ",
      "core.ssh",
      "core.git",
      "core.fsm",
      "core.hook",
      "core.ask",
      "core.editor",
      "core.pager",
      "ext::sh",
      "--open-files-in-pager",
      "-execdir ",
      "-ok ",
      "--unzip-command",
      " core.",
      "vim -c",
      "vi -c",
      "rsync -e",
      ".shell ",
      "--interactive",
      "man -p",
      "gtfobins",
    ],
    // Options by which a harmless program runs another: gcc -wrapper, tar --checkpoint-action, find -exec, git --upload-pack.
    pattern:
      /\s-wrapper\s{1,4}\w{1,20},|--checkpoint-action\s{0,2}=\s{0,2}exec|--use-compress-program\s{0,2}=|--to-command\s{0,2}=|--rsh-command|-o(?:proxycommand|localcommand|queuedirectory)\s{0,2}=|@\S{0,80}\s{1,4}-x\s{0,2}\/(?:var|home|srv|tmp|usr|opt|www)\/\S{1,80}\.ph|--upload-pack\s{0,2}=\s{0,2}["'`$/(a-z]|--exec\s{0,2}=\s{0,2}["'`$]|\bfind\s{1,4}\/[\w/.-]{0,40}\s{1,8}(?:-\w{2,12}\s{1,4}[\w.*"'+-]{0,40}\s{1,4}){0,6}-exec\s|\bfind\s{1,4}\S{1,40}\s{1,4}-exec\s{1,4}(?:\/bin\/|\/usr\/bin\/)?(?:ba|da|z)?sh\s|--config\s{0,2}=?\s{0,2}core\.(?:sshcommand|gitproxy|editor|pager|fsmonitor|hookspath|askpass)=|\bext::sh\s|--open-files-in-pager=|^\s{0,4}-(?:exec|execdir|ok)\s{1,4}[^;\n]{1,60}\s\\?[;+]|--unzip-command\s{0,2}=|\s-c\s{1,4}core\.(?:pager|sshcommand|editor|fsmonitor|gitproxy)=|\bvim?\s{1,4}-c\s{1,4}["']?:!|\brsync\s{1,4}-e\s{1,4}["']?(?:ba)?sh\s|\bsqlite3\s[^\n]{0,60}\.shell\s|^nmap\s{1,4}--interactive|^man\s{1,4}-p\s{1,4}\S|\bgtfobins\b/g,
    accept: isOutsideScript,
  },
  {
    kind: "command.template_echo",
    needs: [
      "echo injectx",
      "echo rce_test",
      "echo vuln",
      "echo hacked",
      "echo pwned",
      'echo "',
      "echo '",
      "\\nid",
      "\\ncat",
      "\\nls",
      "\\nwget",
      "\\ncurl",
      "\\nwhoami",
      "\\nexit",
      "\\nuname",
      "\\nping",
    ],
    pattern:
      /(?:^|\\n|[;|&\n]\s{0,4})echo\s{1,4}["']?(?:injectx|rce_test|vulnerable|hacked|pwned)\b|\\n(?:id|cat|ls|wget|curl|whoami|exit|uname|ping)(?:\s[^\\]{0,80})?\\n/g,
  },
  {
    // An argument that becomes an option: `--output=/etc/x`, `-e /bin/sh`, as the whole value.
    kind: "command.wrapper_option",
    needs: ["/etc/", "/proc/", "/root/", "/tmp/", "/dev/", "/bin/", "/var/www"],
    pattern:
      /^\s{0,4}-{1,2}[a-z][\w-]{0,30}[=\s]?["']?@?\/(?:etc|proc|root|tmp|dev|bin|usr\/bin|var\/www)\/[^\s]{1,100}\s{0,4}$/g,
    accept: isOutsideScript,
  },
  {
    // The language of awk needs no option: a block between quotes.
    kind: "command.inline_code",
    needs: ["awk '", 'awk "', "awk -"],
    pattern: /(?:^|[;|&`(\n]\s{0,4})[gmn]?awk\s{1,4}(?:-\S{1,20}\s{1,4})?["']\s{0,4}begin\s{0,4}\{/g,
    accept: isOutsideScript,
  },
  ...WINDOWS_PATTERNS,
];

const KINDS = {
  "command.reverse_shell": "a shell connected to a network address",
  "command.inline_code": "an interpreter started with code in its arguments",
  "command.inline_shell": "a shell started with a command in its arguments",
  "command.fetch_and_run": "something is fetched and then run, or a file is sent away",
  "command.wrapper_option": "an option that makes a harmless program run another",
  "command.template_echo": "a command between written-out line ends, as fuzzers place it",
  "command.windows_loop": "FOR or IF of cmd.exe",
  "command.windows_command": "cmd.exe with a command, or its environment variables in a path",
  "command.powershell": "PowerShell with encoded or hidden code, downloads, or .NET calls",
  "command.script_host": "VBScript that talks to the server's objects",
  "command.windows_tool": "tools of Windows with the arguments that attackers use",
} as const;

export const command: readonly Detector[] = detectorsOf(KINDS, PATTERNS);
