import { navigation, scripted } from "./browser.ts";
import { form, get, json, lines, multipart, query, send, type Template, texts } from "./template.ts";

const names = lines("names");
const addresses = lines("addresses");
const prose = texts("prose");
const maths = [
  "x^2 + 3x - 4 = 0",
  "1 + 1 = 2; 2 > 1",
  "f(x) = |x| / (1 + e^{-x})",
  "\\frac{a}{b} \\le \\sqrt{c}",
  "5 * (3 - 1) % 4 == 2 && !false",
  "0x1F & 0b1010 | ~1 << 2",
  "P(A or B) = P(A) + P(B) - P(A and B)",
  "{1, 2, 3} ∪ {4}; a ≠ b",
  "-1 or 1=x?",
  '3/4" + 1/2" = 1 1/4"',
  "=SUM(A1:A9)*1.19",
  "(a or b) and not (c or d)",
];

/** Forms that people fill in: names, addresses, passwords, notes. */
export const forms: readonly Template[] = [
  {
    name: "name-query",
    make: (d) =>
      get(
        `/people?${query([
          ["name", d.turn(names)],
          ["city", "L'Aquila"],
        ])}`,
        navigation(d),
      ),
  },
  { name: "name-path", make: (d) => get(`/authors/${encodeURIComponent(d.turn(names))}`, navigation(d)) },
  {
    name: "name-cookie",
    make: (d) =>
      get("/home", [
        [
          "Cookie",
          `user=${encodeURIComponent(d.turn(names))}; city=${encodeURIComponent(d.turn(addresses))}; last=${encodeURIComponent(JSON.stringify({ q: d.turn(lines("searches")) }))}`,
        ],
      ]),
  },
  {
    name: "checkout",
    make: (d) =>
      form(
        "/checkout",
        [
          ["billing_first_name", d.turn(names)],
          ["billing_address_1", d.turn(addresses)],
          ["billing_city", "King's Lynn"],
          ["billing_phone", "+49 (0)711/123-456"],
          ["order_comments", d.turn(prose)],
          ["payment_method", "stripe"],
          ["terms", "on"],
          ["woocommerce-process-checkout-nonce", d.hex(10)],
          ["_wp_http_referer", "/?wc-ajax=update_order_review&x='y'"],
        ],
        navigation(d),
      ),
  },
  {
    name: "checkout-json",
    make: (d) =>
      json(
        "POST",
        "/api/orders",
        {
          shipTo: { name: d.turn(names), lines: [d.turn(addresses), '2nd floor; ring "B"'] },
          giftNote: d.turn(lines("chat")),
          items: [{ sku: "A/1-x", qty: 2, options: { engraving: "J&K <3", size: "6'2\"" } }],
          total: { amount: 19.99, currency: "EUR" },
        },
        scripted(d),
      ),
  },
  {
    name: "contact",
    make: (d) =>
      multipart(
        d,
        "/contact",
        [
          { name: "name", value: d.turn(names) },
          { name: "subject", value: "Question; it's about order #4711" },
          { name: "message", value: d.turn(prose) },
          { name: "attachment", value: "", filename: "", type: "application/octet-stream" },
        ],
        navigation(d),
      ),
  },
  {
    name: "address-lookup",
    make: (d) =>
      get(
        `/maps/api/place/autocomplete/json?${query([
          ["input", d.turn(addresses)],
          ["components", "country:de|country:at"],
          ["sessiontoken", d.uuid()],
        ])}`,
        scripted(d),
      ),
  },
  { name: "maths", make: (d) => form("/calc", [["expr", d.turn(maths)]], navigation(d)) },
  { name: "maths-query", make: (d) => get(`/calc?${query([["q", d.turn(maths)]])}`, navigation(d)) },
  {
    name: "maths-json",
    make: (d) =>
      json("POST", "/api/eval", { expression: d.turn(maths), scope: { x: 1, y: -2.5e-3 } }, scripted(d)),
  },
  {
    name: "asp-net",
    make: (d) =>
      form(
        "/Default.aspx",
        [
          ["__EVENTTARGET", "ctl00$MainContent$grid$ctl02$lnkSelect"],
          ["__EVENTARGUMENT", "Select$0"],
          ["__VIEWSTATE", `/wEPDwUK${d.base64(400)}`],
          ["__VIEWSTATEGENERATOR", d.hex(8).toUpperCase()],
          ["__EVENTVALIDATION", `/wEd${d.base64(120)}`],
          ["ctl00$MainContent$txtName", d.turn(names)],
          ["ctl00$ScriptManager1", "ctl00$UpdatePanel1|ctl00$btnGo"],
        ],
        navigation(d),
      ),
  },
  {
    name: "jsf",
    make: (d) =>
      form(
        "/faces/order.xhtml",
        [
          ["form:j_idt12:name", d.turn(names)],
          ["javax.faces.ViewState", `-${d.digits(19)}:-${d.digits(19)}`],
          ["javax.faces.source", "form:save"],
          ["javax.faces.partial.execute", "@all"],
          ["javax.faces.partial.render", "form:msgs form:table"],
          ["javax.faces.behavior.event", "action"],
        ],
        navigation(d),
      ),
  },
  {
    name: "django-admin",
    make: (d) =>
      form(
        "/admin/auth/user/1/change/",
        [
          ["csrfmiddlewaretoken", d.token(64)],
          ["username", "o.brien"],
          ["last_name", d.turn(names)],
          ["date_joined_0", "2025-03-04"],
          ["_save", "Save"],
          ["next", "/admin/?q=a&o=-1.2"],
        ],
        navigation(d),
      ),
  },
  {
    name: "rails-nested",
    make: (d) =>
      form(
        "/surveys/1",
        [
          ["_method", "patch"],
          ["survey[questions_attributes][0][title]", 'What\'s your "favourite" <tag>?'],
          ["survey[questions_attributes][0][_destroy]", "false"],
          ["survey[questions_attributes][1][answers][]", d.turn(prose)],
        ],
        navigation(d),
      ),
  },
  {
    name: "review",
    make: (d) =>
      form(
        "/reviews",
        [
          ["stars", String(d.int(1, 5))],
          ["title", d.pick(["Don't buy!", "5/5 <3", '"Meh"', "It's ok; but..."])],
          ["text", d.turn(prose)],
          ["pros", "light & cheap"],
          ["cons", "n/a"],
        ],
        navigation(d),
      ),
  },
  {
    name: "survey",
    make: (d) =>
      json(
        "POST",
        "/api/forms/submit",
        {
          answers: [
            { q: "Name?", a: d.turn(names) },
            { q: "What's 1+1?", a: "2" },
            { q: "Comments?", a: d.turn(texts("languages")) },
            { q: "Select one: a) or b)", a: "a) or b)" },
          ],
        },
        scripted(d),
      ),
  },
  {
    name: "chat-send",
    make: (d) =>
      json(
        "POST",
        "/api/channels/42/messages",
        { content: d.turn(lines("chat")), nonce: d.digits(18), tts: false },
        scripted(d),
      ),
  },
  {
    name: "chat-form",
    make: (d) =>
      form(
        "/chat",
        [
          ["msg", d.turn(lines("chat"))],
          ["room", "R&D"],
        ],
        scripted(d),
      ),
  },
  {
    name: "bank-transfer",
    make: (d) =>
      form(
        "/transfer",
        [
          ["iban", "DE89 3704 0044 0532 0130 00"],
          ["bic", "COBADEFFXXX"],
          ["purpose", "Inv. #12/2025; O'Neill & Co. -- thx!"],
          ["amount", "1.234,56"],
          ["tan", d.digits(6)],
        ],
        navigation(d),
      ),
  },
  {
    name: "css-theme",
    make: (d) =>
      form(
        "/settings/theme",
        [
          ["css", texts("code").find((one) => one.startsWith(".card"))!],
          ["accent", "#ff6600"],
          ["font", "'Open Sans', sans-serif"],
          ["id", String(d.int(1, 99))],
        ],
        navigation(d),
      ),
  },
  {
    name: "regex-tool",
    make: (d) =>
      json(
        "POST",
        "/api/regex",
        {
          pattern: d.pick([
            "^(?:[a-z0-9!#$%&'*+/=?^_`{|}~-]+)@(.+)$",
            "(?<=\\$)\\d+(?:\\.\\d\\d)?",
            "<([a-z]+)[^>]*>(.*?)</\\1>",
            "\\b(select|insert)\\b",
          ]),
          flags: "gi",
          text: d.turn(prose),
        },
        scripted(d),
      ),
  },
  {
    name: "feature-flag",
    make: (d) =>
      json(
        "POST",
        "/api/flags",
        {
          key: "it-s-on",
          rules: [
            {
              if: "user.email endsWith '@example.com' and user.age >= 18 or user.beta == true",
              rollout: "50%",
            },
          ],
          id: d.uuid(),
        },
        scripted(d),
      ),
  },
  {
    name: "text-area-latin1",
    make: (d) =>
      send(
        "POST",
        "/old/form",
        "application/x-www-form-urlencoded; charset=iso-8859-1",
        `name=J%FCrgen+Gr%F6%DF&text=It%27s+%A35+or+%80%A510%3B+caf%E9&n=${d.int(1, 99)}`,
        navigation(d),
      ),
  },
];
