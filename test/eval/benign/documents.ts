import { get, lines, send, type Template, texts } from "./template.ts";

const escapeXml = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
const prose = texts("prose");
const languages = texts("languages");

/** Documents with a grammar of their own: XML dialects, calendars, WebDAV, configuration. */
export const documents: readonly Template[] = [
  {
    name: "yaml",
    make: (d) =>
      send(
        "POST",
        "/apis/apps/v1/namespaces/default/deployments?fieldManager=kubectl-client-side-apply&fieldValidation=Strict",
        "application/yaml",
        d.turn(texts("config")),
        [["User-Agent", "kubectl/v1.30.0 (linux/amd64) kubernetes/7c48c2b"]],
      ),
  },
  {
    name: "kubernetes-patch",
    make: (d) =>
      send(
        "PATCH",
        "/apis/apps/v1/namespaces/default/deployments/web?labelSelector=app%3Dweb%2Ctier%20in%20(a,b)%2C!canary",
        "application/strategic-merge-patch+json",
        JSON.stringify({
          spec: {
            template: {
              spec: {
                containers: [
                  {
                    name: "web",
                    command: ["sh", "-c", "exec node server.js"],
                    lifecycle: { preStop: { exec: { command: ["/bin/sleep", "5"] } } },
                    image: `web:${d.int(1, 99)}`,
                  },
                ],
              },
              metadata: {
                annotations: { "kubectl.kubernetes.io/last-applied-configuration": '{"a":"it\'s"}' },
              },
            },
          },
        }),
      ),
  },
  {
    name: "json-patch",
    make: (d) =>
      send(
        "PATCH",
        `/things/${d.int(1, 99)}`,
        "application/json-patch+json",
        JSON.stringify([
          { op: "test", path: "/a~1b/c", value: "it's" },
          { op: "replace", path: "/title", value: 'x < y & "z"' },
          { op: "remove", path: "/tags/0" },
        ]),
      ),
  },
  {
    name: "toml",
    make: (d) =>
      send(
        "PUT",
        "/config",
        "text/plain",
        texts("config")
          .find((one) => one.startsWith("[package]"))!
          .replace("0.1.0", `0.1.${d.int(0, 99)}`),
      ),
  },
  {
    name: "soap",
    make: (d) =>
      send(
        "POST",
        "/ws/OrderService",
        "text/xml; charset=utf-8",
        `<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:ord="http://example.com/orders"><soapenv:Header><wsse:Security xmlns:wsse="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"><wsse:UsernameToken><wsse:Username>o'brien</wsse:Username></wsse:UsernameToken></wsse:Security></soapenv:Header><soapenv:Body><ord:FindOrders><ord:filter>status = "open" &amp;&amp; total &gt; ${d.int(1, 99)}</ord:filter><ord:note>${escapeXml(d.turn(prose))}</ord:note></ord:FindOrders></soapenv:Body></soapenv:Envelope>`,
        [["SOAPAction", '"http://example.com/orders/FindOrders"']],
      ),
  },
  {
    name: "soap-12",
    make: (d) =>
      send(
        "POST",
        "/service.svc",
        'application/soap+xml; charset=utf-8; action="urn:x/Get"',
        `<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:a="http://www.w3.org/2005/08/addressing"><s:Header><a:MessageID>urn:uuid:${d.uuid()}</a:MessageID><a:To s:mustUnderstand="1">http://localhost:8080/service.svc</a:To></s:Header><s:Body><Get xmlns="urn:x"><name>${escapeXml(d.turn(lines("names")))}</name></Get></s:Body></s:Envelope>`,
      ),
  },
  {
    name: "xml-rpc",
    make: (d) =>
      send(
        "POST",
        "/RPC2",
        "text/xml",
        `<?xml version="1.0"?><methodCall><methodName>metaWeblog.newPost</methodName><params><param><value><string>1</string></value></param><param><value><struct><member><name>title</name><value><string>It's &quot;new&quot;</string></value></member><member><name>description</name><value><string>${escapeXml(d.turn(texts("html")))}</string></value></member></struct></value></param></params></methodCall>`,
      ),
  },
  {
    name: "rss",
    make: (d) =>
      send(
        "POST",
        "/feeds/import",
        "application/rss+xml",
        `<?xml version="1.0" encoding="UTF-8"?>\n<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel><title>Bob's blog</title><link>https://bob.example.com/?feed=rss2&amp;x=1</link><item><title>${escapeXml(d.turn(prose)).slice(0, 60)}</title><description><![CDATA[${d.turn(texts("html"))}]]></description><pubDate>Tue, 04 Mar 2025 10:12:33 +0000</pubDate></item></channel></rss>`,
      ),
  },
  {
    name: "atom",
    make: (d) =>
      send(
        "POST",
        "/atom/entries",
        "application/atom+xml;type=entry",
        `<entry xmlns="http://www.w3.org/2005/Atom"><title type="text">${escapeXml(d.turn(languages))}</title><id>urn:uuid:${d.uuid()}</id><updated>2025-03-04T10:12:33Z</updated><content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><p>It's <em>ok</em></p></div></content></entry>`,
      ),
  },
  {
    name: "xliff",
    make: (d) =>
      send(
        "PUT",
        "/api/translations/app.xlf",
        "application/xliff+xml",
        `<?xml version="1.0"?><xliff version="1.2" xmlns="urn:oasis:names:tc:xliff:document:1.2"><file source-language="en" target-language="de" datatype="plaintext" original="src/app.ts"><body>${[0, 1, 2].map((i) => `<trans-unit id="u${i}"><source>Hello, <x id="INTERPOLATION" equiv-text="{{ name | uppercase }}"/>; it's "x"</source><target>${escapeXml(languages[(d.round + i) % texts("languages").length]!)}</target></trans-unit>`).join("")}</body></file></xliff>`,
      ),
  },
  {
    name: "sitemap",
    make: (d) =>
      send(
        "POST",
        "/sitemap",
        "application/xml",
        `<?xml version="1.0" encoding="UTF-8"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"><url><loc>https://www.example.com/a?b=1&amp;c='${d.int(1, 99)}'</loc><lastmod>2025-03-04</lastmod></url></urlset>`,
      ),
  },
  {
    name: "maven-pom",
    make: (d) =>
      send(
        "PUT",
        "/releases/com/acme/x/1.0/x-1.0.pom",
        "application/xml",
        `<project xmlns="http://maven.apache.org/POM/4.0.0" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="http://maven.apache.org/POM/4.0.0 http://maven.apache.org/xsd/maven-4.0.0.xsd"><groupId>com.acme</groupId><artifactId>x</artifactId><version>\${revision}</version><properties><java.version>17</java.version></properties><build><plugins><plugin><configuration><argLine>-Xmx512m \${argLine}</argLine><target><exec executable="git"/></target></configuration></plugin></plugins></build><!-- it's ${d.int(1, 99)} --></project>`,
      ),
  },
  {
    name: "svg-xml",
    make: (d) =>
      send(
        "PUT",
        "/icons/a.svg",
        "image/svg+xml",
        `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 10 10"><path d="M${d.int(0, 9)} 1h8v8z" fill="#f60" style="stroke:red;stroke-width:2"/><text x="1" y="5">It's &lt;3</text></svg>`,
      ),
  },
  {
    name: "ical",
    make: (d) =>
      send(
        "PUT",
        `/calendars/bob/home/${d.uuid()}.ics`,
        "text/calendar; charset=utf-8",
        `BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Apple Inc.//macOS 14.5//EN\r\nBEGIN:VEVENT\r\nUID:${d.uuid()}\r\nDTSTART;TZID=Europe/Berlin:20250304T101233\r\nSUMMARY:${d.turn(prose).replace(/[,;]/g, "\\$&").replaceAll("\n", "\\n")}\r\nLOCATION:12 St. John's Rd.\\, London\\; 2nd floor\r\nRRULE:FREQ=WEEKLY;BYDAY=MO,WE;UNTIL=20251231T235959Z\r\nATTENDEE;CN="O'Hara, Ann";PARTSTAT=ACCEPTED;RSVP=TRUE:mailto:ann@example.com\r\nX-APPLE-STRUCTURED-LOCATION;VALUE=URI;X-ADDRESS="1 Main St":geo:52.5,13.4\r\nBEGIN:VALARM\r\nACTION:DISPLAY\r\nTRIGGER:-PT15M\r\nEND:VALARM\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n`,
        [
          ["If-None-Match", "*"],
          ["User-Agent", "macOS/14.5 (23F79) dataaccessd/1.0"],
        ],
      ),
  },
  {
    name: "vcard",
    make: (d) =>
      send(
        "PUT",
        `/addressbooks/bob/${d.uuid()}.vcf`,
        "text/vcard",
        `BEGIN:VCARD\r\nVERSION:3.0\r\nFN:${d.turn(lines("names"))}\r\nN:O'Neill;Siobhán;;Dr.;\r\nORG:R&D "X" GmbH;IT\r\nTEL;TYPE=CELL,VOICE:+49 (0)151/123\r\nADR;TYPE=HOME:;;${d.turn(lines("addresses")).replace(/[,;]/g, "\\$&")};Berlin;;10115;DE\r\nPHOTO;ENCODING=b;TYPE=JPEG:${d.base64(90)}\r\nNOTE:it's ok\\; <3\r\nEND:VCARD\r\n`,
      ),
  },
  {
    name: "gpx",
    make: (d) =>
      send(
        "POST",
        "/tracks",
        "application/gpx+xml",
        `<?xml version="1.0"?><gpx version="1.1" creator="Garmin Connect" xmlns="http://www.topografix.com/GPX/1/1"><trk><name>Bob's run; 10 km &amp; more</name><trkseg>${Array.from({ length: 12 }, () => `<trkpt lat="52.${d.digits(6)}" lon="13.${d.digits(6)}"><ele>${d.int(10, 99)}.4</ele></trkpt>`).join("")}</trkseg></trk></gpx>`,
      ),
  },
  {
    name: "geojson",
    make: (d) =>
      send(
        "POST",
        "/features",
        "application/geo+json",
        JSON.stringify({
          type: "FeatureCollection",
          features: [
            {
              type: "Feature",
              properties: {
                name: "Land's End",
                popup: "It's <b>here</b>",
                filter: ["all", [">", "pop", 10], ["==", "$type", "Point"]],
              },
              geometry: {
                type: "Polygon",
                coordinates: [
                  [
                    [d.int(0, 9), 1.5],
                    [2, -3.25e1],
                  ],
                ],
              },
            },
          ],
        }),
      ),
  },
  {
    name: "xmpp-bosh",
    make: (d) =>
      send(
        "POST",
        "/http-bind",
        "text/xml; charset=utf-8",
        `<body rid='${d.digits(10)}' xmlns='http://jabber.org/protocol/httpbind' sid='${d.token(20)}'><message to='ann@example.com/Home' type='chat' xmlns='jabber:client'><body>${escapeXml(d.turn(lines("chat")))}</body></message></body>`,
      ),
  },
  {
    name: "ocsp-get",
    make: (d) =>
      get(`/ocsp/ME8wTTBLMEkwRzAHBgUrDgMCGgQU${d.base64url(24)}BBT${encodeURIComponent(d.base64(26))}`),
  },
];
