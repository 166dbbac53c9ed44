import { gzipSync } from "node:zlib";
import { navigation, scripted } from "./browser.ts";
import { encodePairs, get, json, query, send, type Template } from "./template.ts";

const site = "https://www.example.com/products?q=it%27s&sort=-price#top";

/** What pages tell about themselves: analytics, error trackers, browsers' own reports. */
export const beacons: readonly Template[] = [
  {
    name: "ga4",
    make: (d) =>
      send(
        "POST",
        `/g/collect?v=2&tid=G-${d.token(10)}&gtm=45je5${d.digits(6)}za200&_p=${d.digits(9)}&gcd=13l3l3l3l1l1&npa=0&dma=0&cid=${d.digits(9)}.${d.digits(10)}&ul=en-us&sr=1920x1080&_s=1&sid=${d.digits(10)}&dl=${encodeURIComponent(site)}&dr=https%3A%2F%2Fwww.google.com%2F&dt=${encodeURIComponent('Men\'s Shoes & Boots | "Example" Shop <3')}`,
        "text/plain;charset=UTF-8",
        `en=scroll&epn.percent_scrolled=90&_et=${d.int(1, 9999)}\r\nen=click&ep.link_text=${encodeURIComponent("Select 'all' & go")}&ep.link_url=${encodeURIComponent(site)}`,
        scripted(d),
      ),
  },
  {
    name: "universal-analytics",
    make: (d) =>
      get(
        `/j/collect?v=1&_v=j101&a=${d.digits(9)}&t=event&_s=2&dl=${encodeURIComponent(site)}&ec=Video&ea=play%20%3E%2050%25&el=(not%20set)&ev=${d.int(0, 99)}&_u=SCCAAEABAAAAACAAI~&jid=&gjid=&cid=${d.digits(9)}.${d.digits(10)}&z=${d.digits(9)}`,
        navigation(d),
      ),
  },
  {
    name: "matomo",
    make: (d) =>
      get(
        `/matomo.php?${query([
          ["action_name", 'It\'s here – Shop > Shoes / "Sale"'],
          ["idsite", "1"],
          ["rec", "1"],
          ["r", d.digits(6)],
          ["url", site],
          ["urlref", "https://duckduckgo.com/?q=a+or+b"],
          ["_id", d.hex(16)],
          ["_cvar", JSON.stringify({ 1: ["group", "R&D"] })],
          ["e_c", "exec"],
          ["res", "1920x1080"],
        ])}`,
        navigation(d),
      ),
  },
  {
    name: "facebook-pixel",
    make: (d) =>
      get(
        `/tr/?id=${d.digits(15)}&ev=ViewContent&dl=${encodeURIComponent(site)}&rl=&if=false&ts=${d.timeMs()}&cd[content_ids]=${encodeURIComponent("['SKU-1','SKU-2']")}&cd[content_name]=${encodeURIComponent('Levi\'s® 501™ – "Original"')}&cd[value]=9.99&cd[currency]=EUR&ud[em]=${d.hex(64)}&o=30&coo=false`,
        navigation(d),
      ),
  },
  {
    name: "segment",
    make: (d) =>
      json(
        "POST",
        "/v1/t",
        {
          event: "Product Searched",
          properties: {
            query: 'o\'neill "wetsuit" 3/2 & boots',
            price: 10.5,
            path: "/search",
            search: "?q=a%27b&x[]=1",
            title: "Results for <o'neill>",
          },
          context: {
            page: { url: site, referrer: "" },
            userAgent: "Mozilla/5.0 (X11; Linux x86_64)",
            locale: "de-DE",
            campaign: { name: "50% off; today" },
          },
          integrations: { All: true, "Google Analytics": false },
          anonymousId: d.uuid(),
          timestamp: new Date(d.timeMs()).toISOString(),
          writeKey: d.token(32),
          messageId: `ajs-next-${d.hex(32)}`,
        },
        scripted(d),
      ),
  },
  {
    name: "mixpanel",
    make: (d) =>
      send(
        "POST",
        "/track/?verbose=1&ip=1",
        "application/x-www-form-urlencoded",
        `data=${encodeURIComponent(JSON.stringify([{ event: "$mp_web_page_view", properties: { $os: "Linux", $browser: "Chrome", $current_url: site, $screen_height: 1080, mp_lib: "web", token: d.hex(32), $insert_id: d.token(18), current_page_title: 'Q&A: "How to SELECT * FROM a table?"', $el_text: "OK; let's go" } }]))}`,
        scripted(d),
      ),
  },
  {
    name: "amplitude",
    make: (d) =>
      json(
        "POST",
        "/2/httpapi",
        {
          api_key: d.hex(32),
          events: [
            {
              device_id: d.uuid(),
              session_id: d.timeMs(),
              event_type: "[Amplitude] Element Clicked",
              event_properties: {
                "[Amplitude] Element Text": "Delete from cart",
                "[Amplitude] Element Selector":
                  "div.cart > ul li:nth-child(2) > button[data-id='7']:not(.off)",
                "[Amplitude] Element Hierarchy": [
                  { tag: "button", attrs: { onclick: "cart.remove(7)", "aria-label": "Delete" } },
                ],
              },
              user_id: "o'brien",
            },
          ],
          options: { min_id_length: 1 },
        },
        scripted(d),
      ),
  },
  {
    name: "posthog-gzip",
    make: (d) =>
      send(
        "POST",
        `/e/?compression=gzip-js&ip=1&_=${d.timeMs()}&ver=1.${d.int(1, 200)}.0`,
        "text/plain",
        gzipSync(
          JSON.stringify([
            {
              event: "$autocapture",
              properties: {
                $elements: [
                  {
                    tag_name: "a",
                    $el_text: "Don't click",
                    attr__href: "/a?b=1&c='x'",
                    attr__style: "color: red; background: url(/x.png)",
                  },
                ],
                token: `phc_${d.token(43)}`,
                $current_url: site,
              },
            },
          ]),
        ),
        scripted(d),
      ),
  },
  {
    name: "csp-report",
    make: (d) =>
      send(
        "POST",
        "/csp",
        "application/csp-report",
        JSON.stringify({
          "csp-report": {
            "document-uri": site,
            referrer: "",
            "violated-directive": "script-src-elem",
            "effective-directive": "script-src-elem",
            "original-policy":
              "default-src 'self'; script-src 'self' 'nonce-r4nd0m' 'strict-dynamic' https: 'unsafe-inline'; object-src 'none'; report-uri /csp",
            disposition: "report",
            "blocked-uri": d.pick([
              "inline",
              "eval",
              "data",
              "https://cdn.example.net/a.js",
              "chrome-extension",
            ]),
            "line-number": d.int(1, 999),
            "source-file": "https://www.example.com/app.js",
            "status-code": 200,
            "script-sample": d.pick(["", "console.log('hello')", "(function(w,d){w.x=d})(window,document)"]),
          },
        }),
        scripted(d),
      ),
  },
  {
    name: "reporting-api",
    make: (d) =>
      send(
        "POST",
        "/reports",
        "application/reports+json",
        JSON.stringify([
          {
            age: d.int(1, 99999),
            type: "csp-violation",
            url: site,
            user_agent: "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36",
            body: {
              blockedURL: "inline",
              disposition: "enforce",
              documentURL: site,
              effectiveDirective: "style-src-attr",
              originalPolicy: "default-src 'none'; style-src 'self'",
              statusCode: 200,
            },
          },
          {
            age: 1,
            type: "deprecation",
            url: site,
            body: {
              id: "UnloadHandler",
              message: "Unload event listeners are deprecated and will be removed.",
              sourceFile: "https://www.example.com/x.js",
              lineNumber: 1,
            },
          },
        ]),
      ),
  },
  {
    name: "network-error",
    make: (d) =>
      send(
        "POST",
        "/nel",
        "application/reports+json",
        JSON.stringify([
          {
            age: 0,
            type: "network-error",
            url: "https://www.example.com/a?b='c'",
            body: {
              elapsed_time: d.int(1, 9999),
              method: "GET",
              phase: "connection",
              protocol: "http/1.1",
              referrer: site,
              sampling_fraction: 0.01,
              server_ip: "2001:db8::1",
              status_code: 0,
              type: "tcp.timed_out",
            },
          },
        ]),
      ),
  },
  {
    name: "hotjar-like",
    make: (d) =>
      json(
        "POST",
        `/api/v2/sites/${d.digits(6)}/recordings/content`,
        {
          html: '<!DOCTYPE html><div id="app"><p>it\'s</p></div>'.replace("<!DOCTYPE html>", ""),
          mutations: [
            {
              a: [
                {
                  s: "div.card > a[href='/x']",
                  n: { tagName: "A", attributes: { href: "/x?y=1", class: "btn" } },
                },
              ],
            },
          ],
          input: [{ selector: 'input[name="q"]', value: "****" }],
          t: d.timeMs(),
        },
        scripted(d),
      ),
  },
  {
    name: "plausible",
    make: (d) =>
      send(
        "POST",
        "/api/event",
        "text/plain",
        JSON.stringify({
          n: "Outbound Link: Click",
          u: site,
          d: "example.com",
          r: null,
          p: { url: "https://docs.example.org/?a=1&b=2#it's", path: `/blog/${d.int(1, 99)}` },
        }),
        scripted(d),
      ),
  },
  {
    name: "consent",
    make: (d) =>
      get(
        `/consent?${encodePairs([
          ["gdpr", "1"],
          ["gdpr_consent", `CP${d.base64url(70)}`],
          ["us_privacy", "1YNN"],
          ["gpp", "DBAA"],
          ["cb", d.digits(13)],
          ["domains", "a.com|b.com;c.com"],
        ])}`,
        navigation(d),
      ),
  },
  {
    name: "ad-bid",
    make: (d) =>
      json(
        "POST",
        "/openrtb2/auction",
        {
          id: d.uuid(),
          imp: [
            {
              id: "1",
              banner: { format: [{ w: 300, h: 250 }] },
              ext: { data: { pbadslot: "/1234/home/'top'" } },
            },
          ],
          site: { page: site, ref: "https://www.google.com/", content: { title: 'It\'s a "test" & more' } },
          device: { ua: "Mozilla/5.0", language: "de" },
          regs: { ext: { gdpr: 1 } },
        },
        scripted(d),
      ),
  },
];
