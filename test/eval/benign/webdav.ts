import { get, send, type Template } from "./template.ts";

/** Files, calendars and locks over WebDAV, as Nextcloud's, Windows' and Thunderbird's clients ask for them. */
export const webdav: readonly Template[] = [
  {
    name: "propfind",
    make: (d) =>
      send(
        "PROPFIND",
        `/remote.php/dav/files/o'brien/Fotos%20%26%20mehr/${d.int(2000, 2025)}/`,
        "application/xml; charset=utf-8",
        '<?xml version="1.0"?><d:propfind xmlns:d="DAV:" xmlns:oc="http://owncloud.org/ns" xmlns:nc="http://nextcloud.org/ns"><d:prop><d:getlastmodified/><d:getetag/><d:getcontenttype/><oc:permissions/><nc:has-preview/></d:prop></d:propfind>',
        [
          ["Depth", "1"],
          ["User-Agent", "Mozilla/5.0 (Linux) mirall/3.13.0 (Nextcloud)"],
        ],
      ),
  },
  {
    name: "proppatch",
    make: (d) =>
      send(
        "PROPPATCH",
        "/dav/a%20b.txt",
        "text/xml",
        `<?xml version="1.0" encoding="utf-8" ?><D:propertyupdate xmlns:D="DAV:" xmlns:Z="urn:schemas-microsoft-com:"><D:set><D:prop><Z:Win32LastModifiedTime>Tue, 04 Mar 2025 10:12:${d.int(10, 59)} GMT</Z:Win32LastModifiedTime></D:prop></D:set></D:propertyupdate>`,
        [["User-Agent", "Microsoft-WebDAV-MiniRedir/10.0.19045"]],
      ),
  },
  {
    name: "caldav-report",
    make: (d) =>
      send(
        "REPORT",
        "/calendars/bob/home/",
        "application/xml",
        `<C:calendar-query xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:prop><D:getetag/><C:calendar-data/></D:prop><C:filter><C:comp-filter name="VCALENDAR"><C:comp-filter name="VEVENT"><C:time-range start="20250301T000000Z" end="20250401T000000Z"/><C:prop-filter name="ATTENDEE"><C:text-match collation="i;ascii-casemap">mailto:o'hara@example.com</C:text-match></C:prop-filter></C:comp-filter></C:comp-filter></C:filter><!-- ${d.int(1, 99)} --></C:calendar-query>`,
        [["Depth", "1"]],
      ),
  },
  {
    name: "dav-move",
    make: (d) => ({
      ...get(`/dav/it's%20old%20(${d.int(1, 9)}).txt`, [
        ["Destination", "http://localhost/dav/sub/new%20%26%20shiny.txt"],
        ["Overwrite", "F"],
        ["If", `(<urn:uuid:${d.uuid()}> ["${d.hex(16)}"])`],
      ]),
      method: "MOVE",
    }),
  },
  {
    name: "dav-lock",
    make: (d) =>
      send(
        "LOCK",
        "/dav/report.xlsx",
        "text/xml",
        `<?xml version="1.0" encoding="utf-8" ?><D:lockinfo xmlns:D="DAV:"><D:lockscope><D:exclusive/></D:lockscope><D:locktype><D:write/></D:locktype><D:owner><D:href>DOMAIN\\o'brien${d.int(1, 99)}</D:href></D:owner></D:lockinfo>`,
        [["Timeout", "Second-3600, Infinite"]],
      ),
  },
];
