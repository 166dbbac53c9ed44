import assert from "node:assert/strict";
import { test } from "node:test";
import { ask } from "../support/raw-client.ts";
import { page, startCachedRoute } from "./cached-route.ts";
import { deceptionCases, poisoningCases } from "./poisoning.cases.ts";

test("there are enough probes", () => {
  assert.ok(poisoningCases.length >= 20 && deceptionCases.length >= 12);
});

test("what one client sends is not in what another one gets", async (t) => {
  let path = "";
  const { edge } = await startCachedRoute(t, ({ head, target, fields }) => {
    if (target === "/hold") return page("");
    const says = ["Cache-Control: max-age=600"];
    if (path === "/star") says.push("Vary: *");
    if (path === "/vary") says.push("Vary: Accept-Language");
    if (path === "/coded") says.push("Vary: Accept-Encoding");
    // A split answer: an application that writes what it is told into a field.
    if (target.startsWith("/split?")) says.push(`X-Echo: ${target}`);
    const value = (name: string) => fields.find(([one]) => one === name)?.[1];
    if ((value("x-oversized") ?? "").length > 1000 || value("x-meta") !== undefined)
      return `HTTP/1.1 400 Bad Request\r\nCache-Control: max-age=600\r\nContent-Length: 4\r\n\r\nevil`;
    const whole = page(head.replaceAll("\r\n", "\n"), ...says);
    return head.startsWith("HEAD ") ? whole.slice(0, whole.indexOf("\r\n\r\n") + 4) : whole;
  });
  for (const [index, { title, attack, victim }] of poisoningCases.entries()) {
    // Each has a site of its own: nothing of one probe is left for the next.
    const host = `site${index}.test`;
    path = new URL(/^\S+ (\S+)/.exec(attack)![1]!, "http://x").pathname;
    await ask(edge.port, attack.replaceAll("HOST", host), {
      method: attack.slice(0, attack.indexOf(" ")),
    }).catch(() => undefined);
    const wanted = (victim ?? "GET /page HTTP/1.1\r\nHost: HOST\r\n\r\n").replaceAll("HOST", host);
    path = new URL(/^\S+ (\S+)/.exec(wanted)![1]!, "http://x").pathname;
    const answer = await ask(edge.port, wanted);
    assert.equal(answer.status, 200, title);
    const text = answer.body.toString();
    assert.ok(text.length > 20, `${title}: the page is whole`);
    assert.ok(!/evil(?!2)/i.test(text), `${title}: ${text}`);
    // The page is the one for this site.
    assert.match(text, new RegExp(`^X-Forwarded-Host: ${host}$`, "m"), title);
  }
});

test("what is for one client is not stored for others", async (t) => {
  let says: readonly string[] = [];
  const { edge } = await startCachedRoute(t, ({ fields }, n) => {
    const who = fields.some(([, value]) => /victim/.test(value)) || says.length === 0;
    return page(`${who ? "secret of the victim" : "page"} ${n}`, ...says);
  });
  for (const [index, { title, target, says: said, as }] of deceptionCases.entries()) {
    const host = `deceived${index}.test`;
    says = said;
    const send = (...fields: string[]) =>
      ask(edge.port, `GET ${target} HTTP/1.1\r\n${[`Host: ${host}`, ...fields].join("\r\n")}\r\n\r\n`);
    const first = await send(as);
    const second = await send();
    if (first.status >= 400) continue;
    assert.notEqual(second.body.toString(), first.body.toString(), title);
  }
});
