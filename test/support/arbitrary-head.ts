import fc from "fast-check";

/** Heads that look like real ones, some with a fault; as latin-1 strings. */
export function arbitraryHead(): fc.Arbitrary<string> {
  return fc
    .record({
      method: fc.constantFrom("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"),
      path: arbitraryPath(),
      query: fc.option(arbitraryQuery(), { nil: "" }),
      version: fc.constantFrom("1.1", "1.1", "1.1", "1.0"),
      host: fc.constantFrom("a.test", "A.Test:8080", "a.test.", "[::1]:80", "10.0.0.1", "xn--bcher-kva.test"),
      fields: fc.array(arbitraryField(), { maxLength: 12 }),
      framing: fc.constantFrom(
        "",
        "",
        "",
        "Content-Length: 0\r\n",
        "content-length:5\r\n",
        "Transfer-Encoding: chunked\r\n",
      ),
      hostAt: fc.nat(12),
    })
    .map(({ method, path, query, version, host, fields, framing, hostAt }) => {
      const lines = fields.map(([name, before, value, after]) => `${name}:${before}${value}${after}\r\n`);
      lines.splice(hostAt, 0, `Host: ${host}\r\n`, framing);
      return `${method} ${path}${query} HTTP/${version}\r\n${lines.join("")}\r\n`;
    });
}

/** A head with a few bytes changed, doubled, dropped or put in: near misses of every rule. */
export function damagedHead(): fc.Arbitrary<string> {
  const damage = fc.record({
    at: fc.nat(400),
    drop: fc.nat(3),
    put: fc.constantFrom(
      "",
      "\r",
      "\n",
      "\r\n",
      " ",
      "\t",
      ":",
      "\0",
      "\x0b",
      "\x7f",
      "\xa0",
      ",",
      ";",
      "5",
      "/",
      "..",
      "%2e",
      "%",
      "?",
      "#",
      "chunked",
    ),
  });
  return fc
    .tuple(arbitraryHead(), fc.array(damage, { minLength: 1, maxLength: 3 }))
    .map(([head, damages]) => {
      let text = head;
      for (const { at, drop, put } of damages) {
        const where = at % (text.length + 1);
        text = text.slice(0, where) + put + text.slice(where + drop);
      }
      return text;
    });
}

function arbitraryPath(): fc.Arbitrary<string> {
  const segment = fc.oneof(
    { weight: 6, arbitrary: fc.stringMatching(/^[a-zA-Z0-9._~!$&'()*+,=:@-]{0,8}$/) },
    {
      weight: 2,
      arbitrary: fc.constantFrom("..", ".", "", "%41", "%c3%a9", "%20x", "a%2Fb", "a%252Fb", "%7e"),
    },
  );
  return fc.array(segment, { maxLength: 5 }).map((segments) => `/${segments.join("/")}`);
}

function arbitraryQuery(): fc.Arbitrary<string> {
  return fc.stringMatching(/^\?[a-zA-Z0-9._~!$&'()*+,;=:@/?{}|^[\]\\`%-]{0,30}$/);
}

function arbitraryField(): fc.Arbitrary<readonly [string, string, string, string]> {
  const name = fc.oneof(
    fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9-]{0,11}$/),
    fc.constantFrom(
      "Accept",
      "Cookie",
      "cOOKIE",
      "User-Agent",
      "X-Forwarded-For",
      "is_xhr",
      "Connection",
      "Referer",
      "a.b",
      "Via",
    ),
  );
  const value = fc.oneof(
    fc.stringMatching(/^([!-~]([ -~]{0,20}[!-~])?)?$/),
    fc.constantFrom("", "close", "keep-alive", "a\tb", "M\xfcnchen", "x".repeat(200)),
  );
  const space = fc.constantFrom(" ", " ", " ", "", "\t", "  ");
  return fc.tuple(name, space, value, fc.constantFrom("", "", " ", "\t "));
}
