import { navigation, scripted } from "./browser.ts";
import { form, get, json, lines, type Template, texts } from "./template.ts";

const names = lines("names");
const addresses = lines("addresses");
const passwords = lines("passwords");
const prose = texts("prose");

/** Signing up, signing in, and changing one's data. */
export const accounts: readonly Template[] = [
  {
    name: "login",
    make: (d) =>
      form(
        "/login",
        [
          ["authenticity_token", d.base64(64)],
          ["user[email]", "siobhan.o'neill+x@example.com"],
          ["user[password]", d.turn(passwords)],
          ["commit", "Log in"],
          ["utf8", "✓"],
        ],
        navigation(d),
      ),
  },
  {
    name: "login-json",
    make: (d) =>
      json(
        "POST",
        "/api/login",
        {
          username: d.pick(["admin", "o'brien", "root", "DOMAIN\\bob"]),
          password: d.turn(passwords),
          remember: true,
        },
        scripted(d),
      ),
  },
  {
    name: "login-basic",
    make: (d) =>
      get("/private/", [
        ["Authorization", `Basic ${Buffer.from(`bob:${d.turn(passwords)}`).toString("base64")}`],
      ]),
  },
  {
    name: "password-change",
    make: (d) =>
      json(
        "PUT",
        "/api/me/password",
        {
          old: passwords[(d.round + 7) % passwords.length],
          new: d.turn(passwords),
          confirm: d.turn(passwords),
        },
        scripted(d),
      ),
  },
  {
    name: "register",
    make: (d) =>
      form(
        "/register",
        [
          ["name", d.turn(names)],
          ["email", "x@example.com"],
          ["password", d.turn(passwords)],
          ["birthday", "1970-01-01"],
          ["bio", d.turn(prose)],
          ["website", "https://example.com/~bob?id=1"],
          ["g-recaptcha-response", `03A${d.base64url(300)}`],
        ],
        navigation(d),
      ),
  },
  {
    name: "register-json",
    make: (d) =>
      json(
        "POST",
        "/api/users",
        {
          name: d.turn(names),
          nick: d.pick(["xX_O'Neo_Xx", "null", "undefined", "select", "bob;-)", "<3"]),
          address: { street: d.turn(addresses), zip: "70173" },
        },
        scripted(d),
      ),
  },
  {
    name: "sms-verify",
    make: (d) =>
      json(
        "POST",
        "/api/verify",
        { phone: "+1 (555) 010-9999", code: d.digits(6), device: "Bob's iPhone (15\")" },
        scripted(d),
      ),
  },
  {
    name: "profile",
    make: (d) =>
      json(
        "PATCH",
        "/api/me",
        {
          displayName: d.turn(names),
          about: d.turn(texts("languages")),
          links: ["https://o'brien.example.com/?a=1&b=2", "mailto:bob@example.com"],
          timezone: "America/St_Johns",
          signature: "-- \nBob; it's me",
        },
        scripted(d),
      ),
  },
];
