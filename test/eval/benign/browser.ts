import type { Draw } from "./draw.ts";
import type { Header } from "./template.ts";

/** Fields of a page load. */
export function navigation(draw: Draw, more: readonly Header[] = []): Header[] {
  return [...identity(draw, "navigate"), ["Cookie", cookies(draw)], ...more];
}

/** Fields of `fetch` or XMLHttpRequest in a page. */
export function scripted(draw: Draw, more: readonly Header[] = []): Header[] {
  const site = draw.pick(sites);
  return [
    ...identity(draw, "cors"),
    ["Origin", `https://${site}`],
    ["Referer", `https://${site}/${draw.pick(pages)}`],
    ["Cookie", cookies(draw)],
    ...(draw.int(0, 2) === 0 ? [["X-Requested-With", "XMLHttpRequest"] as const] : []),
    ...(draw.int(0, 2) === 0 ? [["Authorization", `Bearer ${jwt(draw)}`] as const] : []),
    ...(draw.int(0, 2) === 0 ? [["X-CSRF-Token", draw.base64(48)] as const] : []),
    ...more,
  ];
}

/** A signed token as identity providers issue it. */
export function jwt(draw: Draw): string {
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const iat = Math.floor(draw.timeMs() / 1000);
  const head = part({ alg: draw.pick(["RS256", "ES256", "HS256"]), typ: "JWT", kid: draw.hex(16) });
  const claims = part({
    iss: "https://login.example.com/",
    sub: draw.pick([`auth0|${draw.hex(24)}`, draw.uuid(), `google-oauth2|${draw.digits(21)}`]),
    aud: ["https://api.example.com", "https://example.eu.auth0.com/userinfo"],
    iat,
    exp: iat + 3600,
    scope: "openid profile email read:orders",
    name: draw.pick(["Siobhán O'Neill", 'José "Pepe" García', "李小龍", "Bob & Sons <sales>"]),
  });
  return `${head}.${claims}.${draw.base64url(256)}`;
}

/** Cookies of a site with analytics, a consent banner, a session and some preferences. */
export function cookies(draw: Draw): string {
  const all = cookieKinds.map((make) => make(draw));
  const start = draw.int(0, all.length - 1);
  return [...all, ...all].slice(start, start + draw.int(2, 8)).join("; ");
}

const cookieKinds: readonly ((draw: Draw) => string)[] = [
  (d) => `_ga=GA1.2.${d.digits(9)}.${d.digits(10)}`,
  (d) => `_ga_${d.token(10).toUpperCase()}=GS1.1.${d.digits(10)}.${d.int(1, 40)}.1.${d.digits(10)}.60.0.0`,
  (d) => `_gid=GA1.2.${d.digits(9)}.${d.digits(10)}; _gcl_au=1.1.${d.digits(9)}.${d.digits(10)}`,
  (d) => `_fbp=fb.1.${d.timeMs()}.${d.digits(9)}`,
  (d) =>
    `OptanonConsent=isGpcEnabled=0&datestamp=${encodeURIComponent("Tue Mar 04 2025 10:12:33 GMT+0100 (Central European Standard Time)")}&version=202402.1.0&browserGpcFlag=0&isIABGlobal=false&hosts=&consentId=${d.uuid()}&interactionCount=1&landingPath=NotLandingPage&groups=C0001%3A1%2CC0002%3A0%2CC0003%3A1%2CC0004%3A0&geolocation=DE%3BBE`,
  (d) =>
    `CookieConsent={stamp:%27${d.base64(36)}%27%2Cnecessary:true%2Cpreferences:true%2Cstatistics:false%2Cmarketing:false%2Cmethod:%27explicit%27%2Cver:1%2Cutc:${d.timeMs()}%2Cregion:%27de%27}`,
  (d) => `euconsent-v2=CP${d.base64url(60)}.${d.base64url(12)}`,
  (d) =>
    `__Host-session=${d.base64url(48)}; __Secure-next-auth.callback-url=https%3A%2F%2Fwww.example.com%2Faccount`,
  (d) => `connect.sid=s%3A${d.base64url(24)}.${encodeURIComponent(d.base64(32))}`,
  (d) =>
    `laravel_session=${encodeURIComponent(Buffer.from(JSON.stringify({ iv: d.base64(16), value: d.base64(96), mac: d.hex(64), tag: "" })).toString("base64"))}`,
  (d) => `session=.eJ${d.base64url(90)}.${d.base64url(6)}.${d.base64url(20)}`,
  (d) => `_myapp_session=${encodeURIComponent(d.base64(120))}--${d.base64(12)}--${d.base64(16)}`,
  (d) =>
    `ASP.NET_SessionId=${d.token(24).toLowerCase()}; .AspNetCore.Antiforgery.${d.token(11)}=CfDJ8${d.base64url(140)}`,
  (d) =>
    `wordpress_logged_in_${d.hex(32)}=o%27brien%7C${d.digits(10)}%7C${d.token(43)}%7C${d.hex(64)}; wp-settings-1=libraryContent%3Dbrowse%26editor%3Dtinymce%26hidetb%3D1`,
  (d) => `access_token=${jwt(d)}`,
  (d) =>
    `cf_clearance=${d.base64url(32)}-${d.digits(10)}-1.2.1.1-${d.base64url(90)}; __cf_bm=${d.base64url(32)}-${d.digits(10)}-1.0.1.1-${d.base64url(60)}`,
  (d) =>
    `AMP_${d.hex(10)}=${Buffer.from(encodeURIComponent(JSON.stringify({ deviceId: d.uuid(), sessionId: d.timeMs(), optOut: false, lastEventTime: d.timeMs(), lastEventId: d.int(1, 300) }))).toString("base64")}`,
  (d) =>
    `mp_${d.hex(32)}_mixpanel=${encodeURIComponent(JSON.stringify({ distinct_id: `$device:${d.uuid()}`, $device_id: d.uuid(), $initial_referrer: "https://www.google.com/", $initial_referring_domain: "www.google.com", __mps: {}, __mpso: {}, __mpus: {} }))}`,
  (d) =>
    `cart=${encodeURIComponent(JSON.stringify([{ sku: `AB-${d.digits(5)}/XL`, qty: 2, note: "it's a gift" }]))}; theme=dark; lang=de-DE; tz=Europe%2FBerlin`,
  (d) =>
    `user_prefs="{\\"columns\\":[\\"name\\",\\"size\\"]\\054\\"sort\\":\\"-date\\"}"; csrftoken=${d.token(64)}; sessionid=${d.token(32).toLowerCase()}`,
  (d) =>
    `intercom-session-${d.token(8).toLowerCase()}=${d.base64(60)}--${d.hex(40)}; hubspotutk=${d.hex(32)}; __hssrc=1; __hstc=${d.digits(9)}.${d.hex(32)}.${d.timeMs()}.${d.timeMs()}.${d.timeMs()}.3`,
  (d) =>
    `rl_user_id=RudderEncrypt%3A${encodeURIComponent(d.base64(48))}; ajs_anonymous_id=%22${d.uuid()}%22; utag_main=v_id:${d.hex(24)}$_sn:4$_se:12%3Bexp-session$_ss:0%3Bexp-session$_st:${d.timeMs()}%3Bexp-session`,
  (d) =>
    `recently_viewed=${encodeURIComponent("12,44,97|(last: 97)")}; first_visit=${encodeURIComponent('{"ref":"https://t.co/","at":"2025-01-04T10:00:00.000Z"}')}; fontsLoaded=1; SOCS=CAIS${d.base64url(30)}`,
];

const sites: readonly string[] = [
  "www.example.com",
  "shop.example.de",
  "app.example.io",
  "intranet.example.co.uk",
];
const pages: readonly string[] = [
  "",
  "search?q=shoes+%26+bags&page=2",
  "account/orders?status=open&sort=-created_at#top",
  "blog/2025/03/what's-new-in-sql",
  "products/caf%C3%A9-table-(round)?utm_source=newsletter&utm_medium=email",
];

function identity(draw: Draw, mode: "navigate" | "cors"): Header[] {
  const { agent, brands, platform } = draw.pick(agents);
  const hints: Header[] =
    brands === ""
      ? []
      : [
          ["sec-ch-ua", brands],
          ["sec-ch-ua-mobile", platform === "Android" ? "?1" : "?0"],
          ["sec-ch-ua-platform", `"${platform}"`],
        ];
  const accept: readonly Header[] =
    mode === "cors"
      ? [["Accept", draw.pick(["*/*", "application/json, text/plain, */*", "application/json"])]]
      : [
          ["Upgrade-Insecure-Requests", "1"],
          [
            "Accept",
            "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8,application/signed-exchange;v=b3;q=0.7",
          ],
          ["Sec-Fetch-User", "?1"],
        ];
  return [
    ["User-Agent", agent],
    ...hints,
    ...accept,
    ["Accept-Language", draw.pick(["en-US,en;q=0.9", "de-DE,de;q=0.9,en;q=0.8", "zh-CN,zh;q=0.9", "*"])],
    ["Accept-Encoding", "gzip, deflate, br, zstd"],
    ["Sec-Fetch-Site", draw.pick(["same-origin", "cross-site", "none"])],
    ["Sec-Fetch-Mode", mode],
    ["Sec-Fetch-Dest", mode === "cors" ? "empty" : "document"],
    ["Connection", "keep-alive"],
  ];
}

const agents: readonly { readonly agent: string; readonly brands: string; readonly platform: string }[] = [
  {
    agent:
      "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36",
    brands: '"Google Chrome";v="131", "Chromium";v="131", "Not_A Brand";v="24"',
    platform: "Windows",
  },
  {
    agent:
      "Mozilla/5.0 (Linux; Android 14; SM-S918B Build/UP1A.231005.007; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/129.0.6668.81 Mobile Safari/537.36 [FB_IAB/FB4A;FBAV/483.0.0.55.74;]",
    brands: '"Android WebView";v="129", "Not=A?Brand";v="8", "Chromium";v="129"',
    platform: "Android",
  },
  {
    agent:
      "Mozilla/5.0 (iPhone; CPU iPhone OS 17_6_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.6 Mobile/15E148 Safari/604.1",
    brands: "",
    platform: "iOS",
  },
  {
    agent: "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
    brands: "",
    platform: "Linux",
  },
  {
    agent: "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    brands: "",
    platform: "Linux",
  },
  {
    agent:
      "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36 Edg/130.0.0.0",
    brands: '"Chromium";v="130", "Microsoft Edge";v="130", "Not?A_Brand";v="99"',
    platform: "macOS",
  },
];
