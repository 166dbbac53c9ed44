import { deflateRawSync } from "node:zlib";
import { jwt, navigation, scripted } from "./browser.ts";
import { encodePairs, form, get, json, lines, looseQuery, query, type Template } from "./template.ts";

const searches = lines("searches");

/** What browsers ask for while people look around. */
export const pages: readonly Template[] = [
  {
    name: "search-form",
    make: (d) =>
      get(
        `/search?${encodePairs([
          ["q", searches[(d.round + 0) % searches.length]!],
          ["hl", "en"],
          ["tbm", "isch"],
        ])}`,
        navigation(d),
      ),
  },
  {
    name: "search-script",
    make: (d) =>
      get(
        `/api/suggest?${query([
          ["term", searches[(d.round + 16) % searches.length]!],
          ["limit", "10"],
          ["callback", `jQuery${d.digits(20)}_${d.digits(13)}`],
        ])}`,
        scripted(d),
      ),
  },
  {
    name: "search-typed",
    make: (d) =>
      get(`/find?${looseQuery([["s", searches[(d.round + 32) % searches.length]!]])}`, navigation(d)),
  },
  {
    name: "search-path",
    make: (d) =>
      get(
        `/search/${encodeURIComponent(searches[(d.round + 48) % searches.length]!).replace(/^\.\.%2F/, "")}/page/${d.int(1, 9)}`.replace(
          "%2F",
          "-",
        ),
        navigation(d),
      ),
  },
  {
    name: "search-second-turn",
    make: (d) =>
      get(
        `/search?${encodePairs([
          ["q", searches[(d.round + 64) % searches.length]!],
          ["sort", "price:asc,name:desc"],
          ["filters[]", "color:red|blue"],
          ["filters[]", "size:>=42"],
        ])}`,
        navigation(d),
      ),
  },
  {
    name: "search-third-turn",
    make: (d) =>
      get(
        `/s?${query([
          ["k", searches[(d.round + 80) % searches.length]!],
          ["i", "aps"],
          ["ref", "nb_sb_noss_1"],
        ])}`,
        navigation(d),
      ),
  },
  {
    name: "search-post",
    make: (d) =>
      json(
        "POST",
        "/api/search",
        {
          query: searches[(d.round * 3 + 1) % searches.length]!,
          page: { from: 0, size: 20 },
          sort: [{ field: "_score", order: "desc" }],
          facets: ["brand", "price:0..100"],
        },
        scripted(d),
      ),
  },
  {
    name: "campaign",
    make: (d) =>
      get(
        `/landing/it's-spring?utm_source=${d.pick(["news.letter", "face book"]).replace(" ", "+")}&utm_medium=e-mail&utm_campaign=Spring%20Sale%20%2D50%25%20(EU%20%26%20UK)&utm_term=%7Bkeyword%7D&utm_content=text|link&gclid=${d.base64url(60)}&fbclid=IwAR${d.base64url(40)}&_hsenc=p2ANqtz-${d.base64url(50)}&mc_eid=${d.hex(10)}`,
        navigation(d),
      ),
  },
  {
    name: "nested-url",
    make: (d) =>
      get(
        `/out?${query([
          [
            "url",
            `https://www.example.com/path/to/page.php?id=${d.int(1, 999)}&ref=${encodeURIComponent("https://news.example.org/?a=1&b=it's")}#section-2`,
          ],
          ["sig", d.base64(24)],
        ])}`,
        navigation(d),
      ),
  },
  {
    name: "return-to",
    make: (d) =>
      get(
        `/login?returnTo=${encodeURIComponent(`/orders/${d.digits(5)}?tab=items&sort[by]=date&sort[dir]=desc`)}&reason=session_expired`,
        navigation(d),
      ),
  },
  {
    name: "oauth-authorize",
    make: (d) =>
      get(
        `/oauth2/authorize?${encodePairs([
          ["response_type", "code id_token"],
          ["client_id", d.uuid()],
          ["redirect_uri", `https://app.example.com:8443/oauth/callback?env=prod`],
          ["scope", "openid profile email offline_access https://graph.microsoft.com/.default"],
          ["state", d.base64(48)],
          ["nonce", d.token(32)],
          ["code_challenge", d.base64url(32)],
          ["code_challenge_method", "S256"],
          [
            "claims",
            JSON.stringify({
              id_token: { auth_time: { essential: true }, acr: { values: ["urn:mace:incommon:iap:silver"] } },
            }),
          ],
          ["prompt", "login consent"],
        ])}`,
        navigation(d),
      ),
  },
  {
    name: "oauth-localhost",
    make: (d) =>
      get(
        `/oauth/authorize?response_type=code&client_id=cli&redirect_uri=http%3A%2F%2Flocalhost%3A${d.int(3000, 65000)}%2Fcallback&state=${d.hex(32)}&scope=read+write`,
        navigation(d),
      ),
  },
  {
    name: "oauth-callback",
    make: (d) =>
      get(
        `/callback?code=4/0A${d.base64url(60)}&state=${encodeURIComponent(Buffer.from(JSON.stringify({ r: "/home?x=1", n: d.hex(8), q: "it's <b>" })).toString("base64"))}&scope=email%20profile%20https://www.googleapis.com/auth/userinfo.email&authuser=0&prompt=none&session_state=${d.hex(40)}..${d.hex(4)}`,
        navigation(d),
      ),
  },
  {
    name: "oauth-token",
    make: (d) =>
      form("/oauth2/token", [
        ["grant_type", "authorization_code"],
        ["code", d.base64url(64)],
        ["redirect_uri", "http://localhost:3000/cb"],
        ["client_id", d.uuid()],
        ["client_secret", `${d.token(20)}~.${d.token(8)}`],
        ["code_verifier", d.base64url(48)],
        ["client_assertion", jwt(d)],
        ["client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"],
      ]),
  },
  {
    name: "oidc-form-post",
    make: (d) =>
      form(
        "/signin-oidc",
        [
          ["code", d.base64url(200)],
          ["id_token", jwt(d)],
          ["state", `CfDJ8${d.base64url(150)}`],
          ["session_state", d.uuid()],
        ],
        navigation(d, [["Origin", "null"]]),
      ),
  },
  {
    name: "saml-redirect",
    make: (d) => {
      const request = `<samlp:AuthnRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="_${d.hex(32)}" Version="2.0" IssueInstant="2025-03-04T10:12:33Z" AssertionConsumerServiceURL="https://sp.example.com/acs"><saml:Issuer xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">https://sp.example.com/metadata?x=1&amp;y=2</saml:Issuer></samlp:AuthnRequest>`;
      return get(
        `/idp/sso?${query([
          ["SAMLRequest", deflateRawSync(request).toString("base64")],
          ["RelayState", `https://sp.example.com/?next=/a&b=${d.int(1, 99)}`],
          ["SigAlg", "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"],
          ["Signature", d.base64(256)],
        ])}`,
        navigation(d),
      );
    },
  },
  {
    name: "saml-response",
    make: (d) => {
      const response = `<?xml version="1.0" encoding="UTF-8"?>\n<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="id${d.digits(20)}" InResponseTo="_${d.hex(32)}" Version="2.0" Destination="https://sp.example.com/acs"><saml2:Issuer xmlns:saml2="urn:oasis:names:tc:SAML:2.0:assertion">http://www.okta.com/exk${d.token(16)}</saml2:Issuer><ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:SignedInfo><ds:CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/><ds:Transforms><ds:Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"/></ds:Transforms></ds:SignedInfo><ds:SignatureValue>${d.base64(256)}</ds:SignatureValue><ds:KeyInfo><ds:X509Data><ds:X509Certificate>${d.base64(700)}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></ds:Signature><saml2:Assertion><saml2:Subject><saml2:NameID Format="urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress">siobhan.o'neill@example.com</saml2:NameID></saml2:Subject><saml2:AttributeStatement><saml2:Attribute Name="groups"><saml2:AttributeValue xmlns:xs="http://www.w3.org/2001/XMLSchema" xsi:type="xs:string">R&amp;D "Europe" &lt;all&gt;</saml2:AttributeValue></saml2:Attribute></saml2:AttributeStatement></saml2:Assertion></samlp:Response>`;
      return form(
        "/acs",
        [
          ["SAMLResponse", Buffer.from(response).toString("base64")],
          ["RelayState", `/app?deep=1&x=${d.int(1, 9)}`],
        ],
        navigation(d),
      );
    },
  },
  {
    name: "shop-filter",
    make: (d) =>
      get(
        `/c/shoes?${looseQuery([
          ["filter[price][gte]", String(d.int(1, 50))],
          ["filter[price][lt]", "100"],
          ["filter[brand][]", "O'Neill"],
          ["filter[brand][]", "H&M"],
          ["sort", "-price,+name"],
          ["page[size]", "20"],
        ])}`,
        navigation(d),
      ),
  },
  {
    name: "shop-path",
    make: (d) =>
      get(
        `/en-GB/Men's-Shoes/c/${d.int(100, 999)}/_/N-${d.token(5)}Z1z13v?Ns=price|0&No=${d.int(0, 99)}&Nrpp=24&Ntt=boots;size=9`,
        navigation(d),
      ),
  },
  {
    name: "image-resize",
    make: (d) =>
      get(
        `/cdn-cgi/image/fit=cover,width=${d.int(100, 900)},format=auto/https://img.example.com/a/b/${d.hex(8)}.jpg?w=640&q=75&crop=(0,0,100,100)`,
        navigation(d),
      ),
  },
  {
    name: "next-image",
    make: (d) =>
      get(`/_next/image?url=%2Fapi%2Ffiles%2F${d.uuid()}%2Fphoto%20(1).jpg%3Fv%3D2&w=1080&q=75`, scripted(d)),
  },
  {
    name: "next-data",
    make: (d) =>
      get(`/_next/data/${d.token(21)}/en/products/%5B...slug%5D.json?slug=a&slug=b%27c`, scripted(d)),
  },
  {
    name: "map-tiles",
    make: (d) =>
      get(
        `/maps/vt?pb=!1m5!1m4!1i${d.int(1, 20)}!2i${d.digits(5)}!3i${d.digits(5)}!4i256!2m3!1e0!2sm!3i${d.digits(9)}!3m17!2sen!3sUS!5e18!12m4!1e68!2m2!1sset!2sRoadmap&token=${d.digits(6)}`,
        scripted(d),
      ),
  },
  {
    name: "script-asset",
    make: (d) =>
      get(
        `/static/js/${d.int(1, 99)}.${d.hex(8)}.chunk.js?v=${d.hex(6)}&cb=[CACHEBUSTER]&onload=init`,
        navigation(d),
      ),
  },
  {
    name: "font-css",
    make: (d) =>
      get(
        `/css2?family=Open+Sans:ital,wght@0,300..800;1,300..800&family=Noto+Sans+JP:wght@100..900&display=swap&text=${encodeURIComponent(d.pick(["Hello, World!", '"It\'s" & <more>', "你好"]))}`,
        navigation(d),
      ),
  },
  {
    name: "batch-concat",
    make: (d) =>
      get(
        `/wp-admin/load-scripts.php?c=1&load%5Bchunk_0%5D=jquery-core,jquery-migrate,utils,wp-polyfill&load%5Bchunk_1%5D=wp-hooks&ver=6.${d.int(0, 7)}`,
        navigation(d),
      ),
  },
  {
    name: "wiki-title",
    make: (d) =>
      get(
        `/wiki/${encodeURI(d.turn(["O'Reilly_(Buch)", "C++", "AT&T", "Select_(SQL)", "中华人民共和国", "Тест", "AC/DC", "¿Qué?", "Who_Am_I?".replace("?", "%3F"), "Drop_(liquid)", "<script>-Element".replace(/[<>]/g, "")]))}?action=edit&section=${d.int(1, 9)}&veswitched=1&redlink=1`,
        navigation(d),
      ),
  },
  {
    name: "calendar-view",
    make: (d) =>
      get(
        `/events?from=2025-03-01T00:00:00%2B01:00&to=2025-03-31T23:59:59+0100&tz=Europe/Berlin&view=week&cal[]=${d.int(1, 9)}&cal[]=o'hara%40example.com`,
        scripted(d),
      ),
  },
  {
    name: "data-tables",
    make: (d) =>
      get(
        `/admin/users/list?draw=${d.int(1, 9)}&${encodePairs([
          ["columns[0][data]", "name"],
          ["columns[0][searchable]", "true"],
          ["columns[0][search][value]", "^(a|b).*$"],
          ["columns[0][search][regex]", "true"],
          ["order[0][column]", "0"],
          ["order[0][dir]", "asc"],
          ["start", "0"],
          ["length", "25"],
          ["search[value]", d.pick(["o'n", "a & b", '"x y"'])],
          ["_", String(d.timeMs())],
        ])}`,
        scripted(d),
      ),
  },
  {
    name: "matrix-path",
    make: (d) =>
      get(
        `/app/home;jsessionid=${d.hex(32).toUpperCase()}.node${d.int(1, 9)}?execution=e1s${d.int(1, 9)}&_eventId=proceed`,
        navigation(d),
      ),
  },
  {
    name: "signed-download",
    make: (d) =>
      get(
        `/bucket/reports/Q1%202025%20(final)%20%E2%80%93%20d%C3%A9tails.pdf?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIA${d.token(16).toUpperCase()}%2F20250304%2Feu-central-1%2Fs3%2Faws4_request&X-Amz-Date=20250304T101233Z&X-Amz-Expires=3600&X-Amz-SignedHeaders=host&response-content-disposition=attachment%3B%20filename%3D%22Q1%20report.pdf%22%3B%20filename%2A%3DUTF-8%27%27Q1%2520report.pdf&X-Amz-Signature=${d.hex(64)}`,
        navigation(d),
      ),
  },
  {
    name: "unsubscribe",
    make: (d) =>
      get(
        `/unsubscribe?email=${encodeURIComponent("o'brien+news@example.com")}&h=${d.base64url(40)}.&list=<weekly.${d.int(1, 9)}.example.com>`.replace(
          /[<>]/g,
          (c) => encodeURIComponent(c),
        ),
        navigation(d),
      ),
  },
  {
    name: "share-link",
    make: (d) =>
      get(
        `/intent/tweet?${query([
          [
            "text",
            d.pick([
              '"It\'s alive!" -- 5 reasons to <3 SQL & more',
              "Wow; 100% true? → read on…",
              "O'Reilly's $5 deal (today only!)",
            ]),
          ],
          ["url", "https://blog.example.com/p?id=1&x=(a)"],
          ["hashtags", "sql,select"],
          ["via", "o_brien"],
        ])}`,
        navigation(d),
      ),
  },
  {
    name: "mailto-like",
    make: (d) =>
      get(
        `/compose?to=bob@example.com&cc="O'Hara,%20Ann"%20<ann@example.com>&subject=Re:%20lunch%3F&body=Hi,%0D%0A%0D%0AI'm%20in!%0D%0A${d.int(1, 12)}:30%3F%0D%0A-- %0D%0ABob`.replace(
          /["<> ]/g,
          (c) => encodeURIComponent(c),
        ),
        navigation(d),
      ),
  },
  {
    name: "odd-query",
    make: (d) =>
      get(
        `/t?${d.turn(["flag", "a=1;b=2", "=x", "a&b&c=", "q=100%25", "x=%E2%9C%93&utf8=%E2%9C%93", "ids=1,2,3&in=(4,5)", "range=1..10", "pi=3.14&e=2.7e-1", "v=1.0-rc.1+build.5", "path=/a/b/../c/d.png", "tpl={z}/{x}/{y}.png", "d=M10%2010L20,20z&fill=%23fff", "t=12:30|13:00", "s=~a*b"])}`,
        navigation(d),
      ),
  },
];
