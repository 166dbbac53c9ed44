import { navigation, scripted } from "./browser.ts";
import { form, get, json, query, type Template } from "./template.ts";

/** What applications call their own actions, kinds and services: many are also the name of a program. */
const actions = [
  ..."newusers adduser deluser addgroup useradd usermod groupmod listusers mkdir rmdir uncompress umount unshare".split(
    " ",
  ),
  ..."poweroff reboot shutdown suspend refresh relog getfile setfile readlink tempfile lockfile hardlink".split(
    " ",
  ),
  ..."traceroute tracert nslookup netstat ping whois sysinfo systeminfo serverinfo hostinfo netinfo procinfo".split(
    " ",
  ),
  ..."logevent logtime eventcreate softwareupdate getmac pkginfo mailq openfiles sendmail syslogd httpd inetd".split(
    " ",
  ),
  ..."add-content get-content set-content restart-job suspend-job disable-module enable-module export-csv".split(
    " ",
  ),
  ..."format-table split-path join-path export-transcript convert-json new-guid restart-computer add-member".split(
    " ",
  ),
];
const systems = "linux64 linux32 winnt winnt32 win64 osx android".split(" ");
/** Codes of four letters: shares, airfields, vouchers. Each of these names a program, too. */
const codes = "LIPO PMAP HDID MDIR SHAR LPRM IPCS ATRM SETX NAWK ARPD LFTP MTYPE VIGR COBC".split(" ");

const directories = [
  ..."/var/lib/dokuwiki/data /var/lib/postgresql/data /var/lib/docker /var/lib/kubelet/pods /var/lib/grafana".split(
    " ",
  ),
  ..."/var/lib/mysql /var/www/html /srv/data /opt/app/data /usr/share/nginx/html /var/cache/app /data".split(
    " ",
  ),
];

/** Words that a list of commands holds, where an application means something else by them. */
export const actionNames: readonly Template[] = [
  {
    // Special:Log, as MediaWiki's own form sends it.
    name: "mediawiki-log",
    make: (d) =>
      get(
        `/index.php?${query([
          ["title", "Special:Log"],
          ["type", ""],
          ["user", ""],
          ["wpdate", ""],
          ["tagfilter", ""],
          ["wpfilters[]", d.pick(["newusers", "patrol", "thanks", "tag"])],
        ])}`,
        navigation(d),
      ),
  },
  {
    // "Add existing user" of a network of WordPress sites.
    name: "wordpress-add-user",
    make: (d) =>
      form(
        "/wp-admin/user-new.php",
        [
          ["action", "adduser"],
          ["_wpnonce_add-user", d.hex(10)],
          ["_wp_http_referer", "/wp-admin/user-new.php"],
          ["email", `sean.o'reilly+${d.digits(3)}@example.ie`],
          ["role", "subscriber"],
          ["adduser", "Add Existing User"],
        ],
        navigation(d),
      ),
  },
  {
    name: "file-manager",
    make: (d) =>
      get(
        `/connector.php?${query([
          ["cmd", d.pick(["mkdir", "rmdir", "mkfile", "uncompress", "extract", "ls", "tree", "paste", "rm"])],
          ["target", `l1_${d.base64url(12)}`],
          ["name", "Bob's photos (2)"],
        ])}`,
        scripted(d),
      ),
  },
  {
    name: "machine-power",
    make: (d) => json("POST", `/v2/droplets/${d.digits(8)}/actions`, { type: d.pick(actions) }, scripted(d)),
  },
  {
    name: "download-for-system",
    make: (d) =>
      get(
        `/?${query([
          ["product", "browser-latest"],
          ["os", d.turn(systems)],
          ["lang", "en-US"],
        ])}`,
        navigation(d),
      ),
  },
  {
    name: "ajax-action",
    make: (d) =>
      form(
        "/admin-ajax",
        [
          ["action", d.turn(actions)],
          ["nonce", d.hex(10)],
        ],
        scripted(d),
      ),
  },
  {
    name: "action-in-query",
    make: (d) => get(`/panel?${query([["page", d.turn(actions)]])}`, navigation(d)),
  },
  {
    name: "events",
    make: (d) =>
      json(
        "POST",
        "/events",
        {
          events: [{ name: d.turn(actions), at: d.timeMs() }, { name: d.turn(actions) }],
          platform: d.turn(systems),
        },
        scripted(d),
      ),
  },
  {
    name: "code",
    make: (d) => get(`/quote?${query([["symbol", d.turn(codes)]])}`, scripted(d)),
  },
  {
    // Settings and manifests say where data lies.
    name: "data-directory",
    make: (d) =>
      d.round % 2 === 0
        ? form(
            "/doku.php",
            [
              ["do", "admin"],
              ["config[savedir]", d.turn(directories)],
              ["config[umask]", "0022"],
            ],
            navigation(d),
          )
        : json(
            "POST",
            "/api/v1/pods",
            { volumeMounts: [{ name: "data", mountPath: d.turn(directories) }] },
            scripted(d),
          ),
  },
  {
    // An operation that is called as it would be on a command line.
    name: "graphql-who",
    make: (d) =>
      json(
        "POST",
        "/graphql",
        { operationName: "whoami", query: "query whoami { me { id name } }", variables: {} },
        scripted(d),
      ),
  },
];
