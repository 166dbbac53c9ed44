import type { Detection, Subject } from "../detection.ts";

/** Files of operating systems, servers and applications that no visitor names: by their directories and name grammar. */

/** Anything that a decoder somewhere may read as a slash, between the directories of a known file. */
// A `%` of an escape is read in one way only, or a text of escapes has 2^n readings.
const SEPARATOR =
  "(?:[/\\\\.\\0-\\x1f\\x80-\\xff?;]|%(?![0-9a-fu]{2}(?![a-z]))|0x2f|0x5c|%?[0-9a-fu]{2}(?![a-z]))";

const SYSTEM_FILE =
  /^[/\\.%]{0,8}(?:boot\.ini|win\.ini|system\.ini|autoexec\.bat|web\.config|global\.asax|wp-config\.php|config\.inc\.php|\.htaccess|\.htpasswd|\.env\b|\.git[/\\]|\.ssh[/\\]|id_rsa|web-inf\b|meta-inf[/\\]|etc[/\\]{1,4}(?:\.[/\\])?[a-z._-]{3}|proc[/\\]{1,4}(?:self|version|\d|cmdline|cpuinfo|mounts|net|sys)|windows[/\\]|winnt[/\\]|inetpub[/\\]|var[/\\](?:log|www|lib|run|mail)[/\\]|usr[/\\](?:local|share|lib|bin|sbin|etc)[/\\]|root[/\\]\.|home[/\\]\w{1,30}[/\\]\.|(?:apache2?|httpd|nginx|xampp|wamp)[/\\](?:logs?|conf)|[a-z]:[/\\]|log[s]?[/\\](?:access|error)|ntuser\.dat|sam\b)/;

/** `windows%u2215system32…`, `etc\xc0\x9vpasswd`: the parts of a well-known file with unreadable separators. */
const BROKEN_SYSTEM_FILE =
  /^.{0,24}?(?:boot\.ini|etc.{1,12}?(?:passwd|shadow|issue|hosts|group)\b|windows.{1,12}?(?:system32|win\.ini|repair)|winnt.{1,12}?system32)/;

/** Literals, one of which every such path contains. */
export const SENSITIVE_TRIGGERS: readonly string[] = [
  "/etc",
  "etc/",
  "\\etc",
  "/proc",
  "/sys/",
  "/var/",
  "/usr/",
  "/opt/",
  "/home/",
  "/home\\",
  "/root",
  "/tmp/",
  "/run/sec",
  "~/.",
  "meta-inf",
  "/dev/",
  "/boot",
  "/srv/",
  "/www",
  "/private",
  "/volumes",
  "/library",
  "/web/",
  "/users/",
  "users\\",
  "/apache",
  "/httpd",
  "/mysql",
  "/xampp",
  "/lampp",
  "/nginx",
  "/log",
  "passwd",
  "boot.ini",
  "win.ini",
  "autoexec.bat",
  "windows",
  "winnt",
  "system32",
  "inetpub",
  "xampp",
  "wamp",
  "lampp",
  "appserv",
  "apache",
  "php.ini",
  "mysql\\",
  "mysql/",
  "php\\",
  "php5\\",
  "php4\\",
  "nginx\\",
  "nginx/",
  "program files",
  "programdata",
  "programfiles",
  "program files/",
  "documents and",
  "sysprep",
  "unattend",
  "system volume",
  "ntuser",
  ".env",
  ".ht",
  ".git",
  ".svn",
  ".hg/",
  ".bzr",
  ".ssh",
  ".aws",
  ".npmrc",
  ".pgpass",
  ".netrc",
  ".docker",
  "/.",
  "wp-config",
  "web-inf",
  "pearcmd",
  "peclcmd",
  "id_rsa",
  "id_dsa",
  "id_ecdsa",
  "id_ed25519",
  "metabase.xml",
  "applicationhost",
  ".php.",
  ".inc.",
  ".yml.",
  ".xml.",
  ".php~",
  ".py~",
  ".sql",
  ".p12",
  ".pfx",
  ".kdbx",
  ".mdb",
  ".swp",
  ".asa",
  ".dbf",
  "@fs/",
  "@id/",
  "debug.log",
  "error.log",
  "errors.log",
  "access.log",
  "error_log",
  "access_log",
  "laravel.log",
  "app.log",
  "system.log",
  "production.log",
  "dev.log",
  "prod.log",
  "server-status",
  "server-info",
  "eval-stdin.php",
  "cgi-bin/",
  "web.config",
];

/** Does the text behind the steps name a file of the system? */
export function endsInSystemFile(rest: string): boolean {
  return (
    SYSTEM_FILE.test(rest) || (BROKEN_SYSTEM_FILE.test(rest.slice(0, 64)) && !/^[a-z ]{2,24}\s/.test(rest))
  );
}

/** A Unix path as the whole value, backslashes read as slashes. */
const UNIX = new RegExp(
  [
    "^(?:(?:~[\\w-]{0,32}|\\$\\{?home\\}?)/\\.(?:ssh|aws|azure|kube|docker|gnupg|config/gcloud)/[\\w./-]{1,40}$|(?:~[\\w-]{0,32}|\\$\\{?home\\}?)/\\.(?:bash_history|zsh_history|mysql_history|netrc|pgpass|npmrc|git-credentials)$|etc/(?:passwd|shadow|hosts|group|sudoers|issue|fstab|crontab)$|(?:(?:private|\\.|~)?/){1,6}(?:",
    "etc/{1,4}(?:(?:\\.{1,2}|\\w)/{1,4})?[\\w.[\\]*?!~-]{2,40}",
    "|proc/{1,2}(?:self|version|\\d{1,7}|cmdline|cpuinfo|mounts|net|sys|sched_debug|stat|interrupts|meminfo|filesystems|partitions)\\b",
    "|sys/(?:class|kernel|firmware|devices/(?:system|virtual|pci))\\b",
    "|var/(?:log|logs|adm|run|mail|spool|backups|webmin|cpanel|apache2?|saf|mysql|ftp|db)/[\\w./-]{0,80}",
    // Applications keep their data here, and say so in settings, manifests and reports.
    "|var/lib/(?:mlocate|mysql|dpkg|rpm|php\\d{0,2}|tomcat\\d{0,2}|nfs|aide|cloud|pgsql|random-seed|logrotate|samba)/[\\w./-]{1,80}$",
    "|var/(?:www|htdocs|local/www)/[\\w./-]{0,80}(?:\\.(?:php|inc|ini|conf|cnf|env|log|ya?ml|config|xml|sql|key|pem|py|rb|bak|old)|/\\.\\w{1,20})$",
    // Other roots hold applications too: the file itself must be a configuration, a log or a secret.
    "|(?:usr|opt|home|apache2?|httpd|mysql|www|xampp|lampp|nginx|private|volumes|library|system/library|web|users|srv)/[\\w./ -]{0,80}?(?:",
    "[\\w-]{1,40}\\.(?:conf|ini|cnf)(?:[._~-]\\w{0,8})?$",
    "|(?:secrets?|credentials|database|master)\\.(?:ya?ml|json|properties|key|xml|env)$|\\.env(?:\\.\\w{1,12})?$",
    "|(?:access|error|acces)[._-]?log(?:[._]\\w{1,8})?$",
    "|logs?/[\\w.-]{0,40}(?:log|err|access)\\b",
    "|\\.(?:ssh|kube|docker|azure|gnupg|zsh_history|bash_history|bashrc|profile|mysql_history|aws|netrc|htaccess|htpasswd)(?:/\\w{1,20})?$)",
    "|root/\\.[\\w./-]{2,60}",
    "|root/[\\w-]{1,30}\\.(?:txt|sh|log|cfg)$",
    "|tmp/sess_[\\w<>-]{1,60}",
    "|run/secrets/[\\w./-]{1,60}",
    "|\\.docker(?:env|init)$",
    "|dev/(?:shm|fd)/\\w{0,40}",
    "|boot/grub[\\w./-]{0,30}",
    "|apache2?/(?:logs?|conf)/[\\w.]{1,40}",
    "|logs?/(?:access|error|acces)[._-]?log\\b",
    "|(?:master|security)\\.passwd))",
  ].join(""),
);

/** Files that an attacker wants, wherever they are named. */
const SECRET_UNIX =
  /passwd|shadow|group|sudoers|issue|hosts|crontab|fstab|proc\/{1,2}(?:self|version|\d|cmdline|sched_debug)|\/root\/|\/\.|history|secret|credential|sess_|[[\]*?!]|\.\.|\/{2}/;

/** In records and manifests (Filebeat, Loki, Kubernetes) the names of logs and of configurations are data. */
function isUnixFile(name: string, isNested: boolean): boolean {
  return UNIX.test(name) && (!isNested || SECRET_UNIX.test(name));
}

function isSecretName(name: string, isNested: boolean): boolean {
  if (!SECRET_NAME.test(name) || isBrowsed(name, name.lastIndexOf("/"))) return false;
  return !isNested || !name.startsWith("/etc/") || SECRET_UNIX.test(name);
}

/** A Windows path as the whole value. */
const WINDOWS =
  /^(?:[a-z]:)?[/\\]{0,4}(?:windows[/\\]{1,4}(?:system32|win\.ini|repair|panther|temp|debug|system\.ini|iis|php\.ini|my\.ini|system|inf|security|tasks|setup|debug|logs|microsoft|prefetch)|windows[/\\]?\w{0,12}\.(?:ini|log)|winnt[/\\]|boot\.ini|win\.ini|autoexec\.bat|inetpub[/\\]|system32[/\\]|system volume information|sysprep|unattend|(?:opt[/\\])?(?:xampp|wamp(?:64)?|lampp|apache2?|mysql|php[45]?|nginx|apache group|apachegroup|appserv)[/\\][\w\\/. -]{0,60}\.(?:ini|log|conf|cnf|err|pem|key|dat|inc|xml)|(?:opt[/\\])?(?:xampp|wamp(?:64)?|lampp|apache2?|apache group|apachegroup)[/\\][\w\\/. -]{0,60}?(?:logs?[/\\]|(?:error|access)_log)|program(?:data| ?files(?: \(x86\))?)[/\\]{1,4}(?:apache|mysql|php|filezilla|xampp|zend|ibm|nginx|hmailserver|serv-u|postgresql|vsphere|ibm http)[\w\\/. -]{0,80}\.(?:ini|log|conf|cnf|err|xml|inc|dat)|users[/\\][\w.-]{1,30}[/\\](?:\.ssh|ntuser\.dat|appdata[/\\]\w{1,20}[/\\](?:filezilla|google[/\\]chrome[/\\]user data))|documents and settings[/\\][\w.-]{1,30}[/\\](?:ntuser\.dat|application data))/;

/** File names that reveal secrets wherever they lie, as the last part of the whole value. */
const SECRET_NAME =
  /^(?:[\w./\\:~-]{0,80}[/\\])?(?:\.(?:env(?:\.(?:local|prod|production|dev|development|bak|backup|old|save|staging))?|htaccess|htpasswd|passwd|git\/(?:config|head|index|logs\/head)|svn\/(?:entries|wc\.db)|hg\/hgrc|ssh\/\w{1,20}|aws\/credentials|bash_history|mysql_history|npmrc|pgpass|netrc|dockercfg|docker\/config\.json)|wp-config\.php(?:[.~]\w{0,8})?|web-inf\/[\w./-]{1,40}|meta-inf\/(?:manifest\.mf|context\.xml|persistence\.xml|maven\/[\w./-]{1,60})|id_(?:rsa|dsa|ecdsa|ed25519)|pe(?:ar|cl)cmd(?:\.php)?|ntuser\.dat|metabase\.xml|applicationhost\.config|\/etc\/[\w.]{2,20})$/;

/** Characters of a file name, broken escapes and a NUL with what it cuts off included. */
const PATH_VALUE = /^[\w./\\:*?[\]!~<>$%{}()@ ;=+-]{2,300}$/;

const URL_PATH =
  /(?:^|\/)(?:\.(?:env(?:[.-][\w.-]{1,20})?|git(?:\/|config|-credentials|$)|svn(?:\/|$)|hg(?:\/|$)|bzr\/|htaccess|htpasswd|htgroup|ssh\/|aws\/|bash_history|bash_profile|bashrc|zsh_history|mysql_history|psql_history|netrc|pgpass|npmrc|dockerenv|dockercfg|docker\/|kube\/|vscode\/(?:sftp|settings)\.json|cursor\/|claude\/|aider|[a-z]{2,12}ignore$|idea\/(?:workspace|datasources|webservers)\.xml|s3cfg|remote-sync\.json|ftpconfig)|(?:wp-config|config(?:uration)?(?:\.inc)?|settings|database|db|localsettings|local)\.(?:php|inc|py|rb|yml|xml)[.~](?:bak|old|save|orig|swp|txt|backup|\d|~)?|wp-config\.(?:bak|old|txt|php[~.])|[\w.-]{0,40}\.(?:sql(?:\.(?:gz|zip|bz2|xz|tar|tgz|7z|rar))?|p12|pfx|kdbx|mdb|swp|php~|asa|dbf)|web-inf\/|(?:@fs|@id)\/(?:etc\/|\.env|__x00__|proc\/|c:)|proc\/(?:self|version|cmdline|cpuinfo|interrupts|meminfo|mounts|net|sched_debug|\d{1,6}\/(?:environ|cmdline|maps|fd))(?:\/|$)|sys\/(?:class|kernel|firmware)(?:\/|$)|etc\/(?:passwd|shadow|hosts|group|issue|fstab|crontab|sudoers|nginx\/|apache2\/|httpd\/|ssh\/|mysql\/|my\.cnf|php\.ini)|(?:wp-content|storage\/logs|var\/log[s]?|logs?|app\/logs|runtime\/logs?)\/(?:debug|errors?|access|laravel|php_errors?|error_log|access_log|app|system|production|dev|prod)\.?(?:log)(?:\.\d)?|id_(?:rsa|dsa|ecdsa|ed25519)$|(?:server-status|server-info)$|phpunit\/(?:src\/)?util\/php\/eval-stdin\.php|cgi-bin\/(?:\.|%2e)|boot\.ini$|win\.ini$|web\.config$|winnt\/system32|windows\/(?:system32|win\.ini))/;

/**
 * What forges, file stores and trackers put before the name of a file that they show: `/o/r/blob/main/.gitignore`,
 * `/attachments/download/2/x.sql`. What a web server shows by mistake lies in its root.
 */
const BROWSED =
  /^\/(?:[^/]+\/){1,12}?(?:-|blob|tree|raw|blame|contents|entry|browser?|plain|raw-file|annotate|commits?|_?edit|branch|tag|repository|(?:web)?dav)\/.|^\/attachments\/(?:download\/)?\d{1,12}\//;

/** Is the file at `lower[at]` one that an application shows? */
function isBrowsed(lower: string, at: number): boolean {
  if (lower.charCodeAt(0) !== 0x2f) return false;
  const match = BROWSED.exec(lower);
  return match !== null && match[0].length <= at + 2;
}

/** Reports a value that is nothing but such a path, or one that asks for a restricted resource. */
export function findSensitivePath({ lower, isNested }: Subject, found: Detection[]): void {
  if (lower.length > 2000) return;
  const value = trimmed(lower);
  if (value.length >= 4 && value.length <= 300 && PATH_VALUE.test(value) && !isSentence(value)) {
    const name = value.replaceAll("\\\\", "\\");
    if (
      isUnixFile(name.replaceAll("\\", "/"), isNested === true) ||
      WINDOWS.test(name) ||
      isSecretName(name, isNested === true)
    ) {
      found.push({ kind: "path.sensitive_file", start: 0, end: lower.length });
    } else if (isBrokenSystemFile(value))
      found.push({ kind: "path.sensitive_file", start: 0, end: lower.length });
  }
  const restricted = lower.charCodeAt(0) === 0x2f && !/\s/.test(lower) ? URL_PATH.exec(lower) : null;
  if (restricted !== null && !isBrowsed(lower, restricted.index)) {
    found.push({
      kind: "path.restricted_resource",
      start: restricted.index,
      end: restricted.index + restricted[0].length,
    });
  }
}

/** `/etc/hosts file on a mac`: a search for what to do with it. */
function isSentence(value: string): boolean {
  return / [a-z]{2,15} [a-z]{2,15}(?: |$)/.test(value) && !/[/\\][^ ]{0,40} [a-z ]{3,60}[/\\]/.test(value);
}

/** The part before a NUL, without spaces, quotes and a scheme. */
function trimmed(lower: string): string {
  const nul = lower.search(/\0|%00/);
  // What a NUL cuts off is the suffix of a file name; binary data goes on.
  const value = (nul < 0 || lower.length - nul > 64 ? lower : lower.slice(0, nul)).trim();
  return value.replace(/^["'`(]{1,2}|["'`);]{1,2}$/g, "").replace(/^file:\/{0,3}(?=\/|[a-z]:)/, "");
}

const BROKEN = new RegExp(
  `^${SEPARATOR}{1,40}(?:boot\\.ini|etc${SEPARATOR}{1,6}(?:passwd|shadow|issue|hosts)|windows${SEPARATOR}{1,6}(?:system32|win\\.ini))`,
);

function isBrokenSystemFile(value: string): boolean {
  return BROKEN.test(value);
}
