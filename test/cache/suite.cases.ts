/**
 * What a shared cache must and may do, restated from RFC 9111, RFC 9110, RFC 5861 and RFC 8246 along the groups of the
 * public HTTP cache tests. Each case is an answer that is given first, and a second request for the same: from memory
 * ("hit"), from the origin ("miss"), or from memory after the origin was asked whether it changed ("validated").
 * `required`: the specifications say must, or what a cache is for depends on it. `own`: required of this cache by its own
 * rules, where the specifications leave the choice; bench/conformance does not ask it of others.
 */
export interface SuiteCase {
  readonly group: string;
  readonly title: string;
  readonly required: boolean;
  readonly own?: boolean;
  /** Fields of the first answer. `DATE+n` becomes an HTTP date n seconds from now. */
  readonly answer: readonly string[];
  readonly status?: number;
  readonly expect: "hit" | "miss" | "validated";
  /** Fields of the first request, and of the second. */
  readonly asks?: readonly string[];
  readonly again?: readonly string[];
  /** Of the second request. */
  readonly method?: string;
  /** Of the first request. */
  readonly firstMethod?: string;
  /** What the second answer must and must not have: `name: value`, or `-name`. */
  readonly shows?: readonly string[];
  /** Its status, where it is not the first one's. */
  readonly shown?: number;
  /** Fields of the 304 by which the origin answers conditions. */
  readonly renews?: readonly string[];
  /** The origin answers the second request with this status. */
  readonly fails?: number;
  /** A request between the two, of this method. */
  readonly between?: {
    readonly method: string;
    readonly status: number;
    readonly answer: readonly string[];
    readonly at?: string;
  };
}

type Rest = Omit<SuiteCase, "group" | "title" | "required" | "own" | "answer" | "expect">;

const cases: SuiteCase[] = [];
let group = "";
const must = (title: string, expect: SuiteCase["expect"], answer: readonly string[], rest: Rest = {}) =>
  cases.push({ group, title, required: true, answer, expect, ...rest });
const own = (title: string, expect: SuiteCase["expect"], answer: readonly string[], rest: Rest = {}) =>
  cases.push({ group, title, required: true, own: true, answer, expect, ...rest });
const may = (title: string, expect: SuiteCase["expect"], answer: readonly string[], rest: Rest = {}) =>
  cases.push({ group, title, required: false, answer, expect, ...rest });
const cc = (value: string): string => `Cache-Control: ${value}`;
const fresh = cc("max-age=3600");

group = "freshness: Cache-Control";
own("without anything is not stored by guess", "miss", []);
must("max-age", "hit", [fresh]);
must("max-age=0", "miss", [cc("max-age=0")]);
must("s-maxage", "hit", [cc("s-maxage=3600")]);
must("s-maxage before a shorter max-age", "hit", [cc("max-age=0, s-maxage=3600")]);
must("s-maxage=0 before a longer max-age", "miss", [cc("s-maxage=0, max-age=3600")]);
must("s-maxage before Expires", "hit", [cc("s-maxage=3600"), "Expires: DATE-10"]);
must("max-age before Expires that is over", "hit", [fresh, "Expires: DATE-10"]);
must("max-age=0 before Expires that is to come", "miss", [cc("max-age=0"), "Expires: DATE+3600"]);
must("in upper case", "hit", ["CACHE-CONTROL: MAX-AGE=3600"]);
must("in two lines", "hit", [cc("public"), fresh]);
must("behind an unknown directive", "hit", [cc("unknown, max-age=3600")]);
must("behind an unknown directive with a quoted comma", "hit", [cc('unknown="a, b", max-age=3600')]);
must("a max-age inside another one's quotes", "miss", [cc('unknown="max-age=3600"')]);
must("max-age inside another one's value, behind a real one of 0", "miss", [
  cc('max-age=0, unknown="max-age=3600"'),
]);
own("of two max-age the shorter one", "miss", [cc("max-age=3600, max-age=0")]);
must("the same the other way round", "miss", [cc("max-age=0, max-age=3600")]);
must("a negative max-age", "miss", [cc("max-age=-3600")]);
must("a max-age with a decimal point", "miss", [cc("max-age=3600.0")]);
must("a max-age in single quotes", "miss", [cc("max-age='3600'")]);
must("a max-age that is no number", "miss", [cc("max-age=soon")]);
must("a max-age with letters behind it", "miss", [cc("max-age=3600s")]);
must("a max-age without a value", "miss", [cc("max-age")]);
must("a max-age with a space before =", "miss", [cc("max-age =3600")]);
must("a max-age with a space behind =", "miss", [cc("max-age= 3600")]);
may("a quoted max-age", "hit", [cc('max-age="3600"')]);
may("a max-age that no integer holds", "hit", [cc("max-age=99999999999")]);
may("leading zeros", "hit", [cc("max-age=0003600")]);
must("a name that begins like max-age", "miss", [cc("max-age-extension=3600")]);
must("a tab between directives", "hit", [cc("public,\tmax-age=3600")]);
must("empty directives", "hit", [cc(", ,max-age=3600,,")]);
must("no-store beside max-age", "miss", [cc("no-store, max-age=3600")]);
must("no-store in upper case", "miss", [cc("max-age=3600, NO-STORE")]);
must("no-store in a line of its own", "miss", [fresh, cc("no-store")]);
must("no-store with a value", "miss", [cc('no-store="x", max-age=3600')]);
must("private", "miss", [cc("private, max-age=3600")]);
own("private with field names", "miss", [cc('private="x-own", max-age=3600')]);
must("private beside s-maxage", "miss", [cc("private, s-maxage=3600")]);
must("a quote without an end", "miss", [cc('max-age=3600, x="')]);
must("no-cache without a validator", "miss", [cc("no-cache, max-age=3600")]);
must("no-cache with a validator is asked for at every use", "validated", [
  cc("no-cache, max-age=3600"),
  'ETag: "v"',
]);
own("no-cache with field names is no-cache", "validated", [
  cc('no-cache="x-own", max-age=3600'),
  'ETag: "v"',
]);
own("immutable does not make it fresh", "miss", [cc("immutable")]);
must("immutable beside max-age", "hit", [cc("max-age=3600, immutable")]);
own("public alone says no time", "miss", [cc("public")]);
must("must-revalidate while it is fresh", "hit", [cc("max-age=3600, must-revalidate")]);
must("proxy-revalidate while it is fresh", "hit", [cc("max-age=3600, proxy-revalidate")]);
may("no-transform does not matter", "hit", [cc("max-age=3600, no-transform")]);
must("Pragma in an answer does not matter", "hit", [fresh, "Pragma: no-cache"]);

group = "freshness: Expires";
must("to come", "hit", ["Expires: DATE+3600"]);
must("to come, with a Date", "hit", ["Date: DATE+0", "Expires: DATE+3600"]);
must("over", "miss", ["Expires: DATE-3600"]);
must("now", "miss", ["Date: DATE+0", "Expires: DATE+0"]);
must("0", "miss", ["Expires: 0"]);
must("-1", "miss", ["Expires: -1"]);
must("a word", "miss", ["Expires: never"]);
must("nothing", "miss", ["Expires: "]);
must("a zone that is not GMT", "miss", ["Expires: Thu, 18 Aug 2050 02:01:18 PST"]);
must("UTC for GMT", "miss", ["Expires: Thu, 18 Aug 2050 02:01:18 UTC"]);
must("without a zone", "miss", ["Expires: Thu, 18 Aug 2050 02:01:18"]);
must("a year of two digits", "miss", ["Expires: Thu, 18 Aug 50 02:01:18 GMT"]);
must("a day that the month does not have", "miss", ["Expires: Thu, 31 Feb 2050 02:01:18 GMT"]);
must("a time that there is not", "miss", ["Expires: Thu, 18 Aug 2050 25:01:18 GMT"]);
must("more than one space", "miss", ["Expires: Thu,  18 Aug 2050 02:01:18 GMT"]);
must("two of them", "miss", ["Expires: DATE+3600", "Expires: DATE-3600"]);
may("the form of RFC 850", "hit", ["Expires: Thursday, 18-Aug-50 02:01:18 GMT"]);
may("the form of asctime", "hit", ["Expires: Thu Aug 18 02:01:18 2050"]);
must("before the Date of a clock that is ahead", "miss", ["Date: DATE+7200", "Expires: DATE+3600"]);

group = "age";
must("an Age beyond max-age", "miss", [fresh, "Age: 7200"]);
must("an Age as long as max-age", "miss", [fresh, "Age: 3600"]);
must("an Age below max-age", "hit", [fresh, "Age: 100"], { shows: ["age: 100"] });
must("an Age beyond s-maxage", "miss", [cc("s-maxage=60, max-age=3600"), "Age: 100"]);
must("an Age beyond Expires", "miss", ["Date: DATE+0", "Expires: DATE+60", "Age: 100"]);
must("an Age that is no number", "miss", [fresh, "Age: abc"]);
must("a negative Age", "miss", [fresh, "Age: -7200"]);
must("an Age with a decimal point", "miss", [fresh, "Age: 7200.0"]);
must("an Age that no integer holds", "miss", [fresh, "Age: 99999999999"]);
must("of two Ages the first", "miss", [fresh, "Age: 7200", "Age: 0"]);
must("of two Ages in one line the first", "miss", [fresh, "Age: 7200, 0"]);
must("a Date that is long ago", "miss", [fresh, "Date: DATE-7200"]);
must("a Date that is a while ago counts", "hit", [fresh, "Date: DATE-1000"], { shows: ["age: 100*"] });
must("a Date to come is no age", "hit", [fresh, "Date: DATE+1000"]);
must("stored answers have an Age", "hit", [fresh], { shows: ["age: *"] });
must("there is one Age", "hit", [fresh, "Age: 30"], { shows: ["age: 3*"] });
must("Date stays as it came", "hit", [fresh, "Date: DATE-1000"], { shows: ["date: DATE-1000"] });

group = "status";
for (const status of [200, 203, 204, 300, 301, 302, 307, 308])
  may(`${status} with max-age`, "hit", [fresh], { status });
for (const status of [200, 203, 204, 301, 404, 410, 500, 503])
  must(`${status} that is stale`, "miss", [cc("max-age=0")], { status });
for (const status of [
  201, 202, 299, 303, 305, 400, 401, 403, 404, 405, 410, 451, 499, 500, 502, 503, 504, 599,
])
  own(`${status} is not stored by this cache`, "miss", [fresh], { status });
must("206 of a request without a range", "miss", [fresh, "Content-Range: bytes 0-3/100"], { status: 206 });

group = "who asks";
own("Set-Cookie", "miss", [fresh, "Set-Cookie: a=1"]);
own("Set-Cookie beside public", "miss", [cc("public, max-age=3600"), "Set-Cookie: a=1"]);
const auth = { asks: ["Authorization: Basic abc"], again: ["Authorization: Basic abc"] };
must("Authorization", "miss", [fresh], auth);
must("Authorization and Expires", "miss", ["Expires: DATE+3600"], auth);
must("Authorization and public", "hit", [cc("public, max-age=3600")], auth);
must("Authorization and s-maxage", "hit", [cc("s-maxage=3600")], auth);
must("Authorization and must-revalidate", "hit", [cc("max-age=3600, must-revalidate")], auth);
must("Authorization and proxy-revalidate", "miss", [cc("max-age=3600, proxy-revalidate")], auth);
own("stored for nobody, not for somebody", "miss", [fresh], { again: ["Authorization: Basic abc"] });
must("stored for everybody, also for somebody", "hit", [cc("public, max-age=3600")], {
  again: ["Authorization: Basic abc"],
});
own("a cookie", "miss", [fresh], { asks: ["Cookie: a=1"], again: ["Cookie: a=1"] });
must("a cookie and public", "hit", [cc("public, max-age=3600")], {
  asks: ["Cookie: a=1"],
  again: ["Cookie: b=1"],
});

group = "methods";
for (const firstMethod of ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
  must(`the answer to ${firstMethod} is not one to GET`, "miss", [fresh], { firstMethod });
for (const method of ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
  must(`${method} is not answered from memory`, "miss", [fresh], { method });
may("HEAD is answered by what GET stored", "hit", [fresh], { method: "HEAD" });
must("the answer to HEAD is not one to GET", "miss", [fresh], { firstMethod: "HEAD" });

group = "invalidation";
const next = (method: string, status: number, answer: readonly string[] = [], at?: string): Rest => ({
  between: { method, status, answer, ...(at === undefined ? {} : { at }) },
});
for (const method of ["POST", "PUT", "DELETE", "PATCH"]) {
  must(`${method} that worked`, "miss", [fresh], next(method, 200));
  must(`${method} that was refused`, "hit", [fresh], next(method, 500));
}
must("POST that leads elsewhere", "miss", [fresh], next("POST", 303, ["Location: /x"]));
must("POST that was not found", "hit", [fresh], next("POST", 404));
own("Location of another one's answer", "miss", [fresh], next("POST", 201, ["Location: PATH"], "/elsewhere"));
own(
  "Content-Location of another one's answer",
  "miss",
  [fresh],
  next("PUT", 200, ["Content-Location: PATH"], "/elsewhere"),
);
own(
  "Location with the host",
  "miss",
  [fresh],
  next("POST", 201, ["Location: http://a.testPATH"], "/elsewhere"),
);
must(
  "Location on another host",
  "hit",
  [fresh],
  next("POST", 201, ["Location: http://b.testPATH"], "/elsewhere"),
);
must(
  "Location by another scheme",
  "hit",
  [fresh],
  next("POST", 201, ["Location: https://a.testPATH"], "/elsewhere"),
);
must("HEAD changes nothing", "hit", [fresh], next("HEAD", 200));
must("OPTIONS changes nothing", "hit", [fresh], next("OPTIONS", 200));

group = "Vary";
const foo = (asks: readonly string[], again: readonly string[]): Rest => ({ asks, again });
must("the same", "hit", [fresh, "Vary: Foo"], foo(["Foo: 1"], ["Foo: 1"]));
must("another value", "miss", [fresh, "Vary: Foo"], foo(["Foo: 1"], ["Foo: 2"]));
must("absent the second time", "miss", [fresh, "Vary: Foo"], foo(["Foo: 1"], []));
must("absent the first time", "miss", [fresh, "Vary: Foo"], foo([], ["Foo: 1"]));
must("absent both times", "hit", [fresh, "Vary: Foo"]);
must("empty is not absent", "miss", [fresh, "Vary: Foo"], foo(["Foo: "], []));
must("the name in another case", "hit", [fresh, "Vary: fOO"], foo(["Foo: 1"], ["FOO: 1"]));
must("a value in another case", "miss", [fresh, "Vary: Foo"], foo(["Foo: a"], ["Foo: A"]));
must(
  "two names, both the same",
  "hit",
  [fresh, "Vary: Foo, Bar"],
  foo(["Foo: 1", "Bar: 2"], ["Bar: 2", "Foo: 1"]),
);
must(
  "two names, one another",
  "miss",
  [fresh, "Vary: Foo, Bar"],
  foo(["Foo: 1", "Bar: 2"], ["Foo: 1", "Bar: 3"]),
);
must(
  "two names in two lines",
  "miss",
  [fresh, "Vary: Foo", "Vary: Bar"],
  foo(["Foo: 1", "Bar: 2"], ["Foo: 1", "Bar: 3"]),
);
must(
  "values are not mixed up between names",
  "miss",
  [fresh, "Vary: Foo, Bar"],
  foo(["Foo: 1", "Bar: 2"], ["Foo: 2", "Bar: 1"]),
);
must(
  "other fields do not matter",
  "hit",
  [fresh, "Vary: Foo"],
  foo(["Foo: 1", "Other: 1"], ["Foo: 1", "Other: 2"]),
);
must("two lines are one value", "hit", [fresh, "Vary: Foo"], foo(["Foo: 1", "Foo: 2"], ["Foo: 1,2"]));
must("*", "miss", [fresh, "Vary: *"]);
must("* beside a name", "miss", [fresh, "Vary: Foo, *"], foo(["Foo: 1"], ["Foo: 1"]));
must("* in a line of its own", "miss", [fresh, "Vary: Foo", "Vary: *"], foo(["Foo: 1"], ["Foo: 1"]));
must("* before others", "miss", [fresh, "Vary: *, Foo"], foo(["Foo: 1"], ["Foo: 1"]));
must("an empty one", "hit", [fresh, "Vary: "]);
must("empty members", "hit", [fresh, "Vary: , Foo,,"], foo(["Foo: 1"], ["Foo: 1"]));
own("Cookie is never kept", "miss", [cc("public, max-age=3600"), "Vary: Cookie"]);
must(
  "Accept-Encoding, the same",
  "hit",
  [fresh, "Vary: Accept-Encoding"],
  foo(["Accept-Encoding: gzip"], ["Accept-Encoding: gzip"]),
);
must(
  "Accept-Encoding, another",
  "miss",
  [fresh, "Vary: Accept-Encoding"],
  foo(["Accept-Encoding: gzip"], ["Accept-Encoding: br"]),
);
may(
  "Accept-Encoding in another order",
  "hit",
  [fresh, "Vary: Accept-Encoding"],
  foo(["Accept-Encoding: gzip, br"], ["Accept-Encoding: br, gzip"]),
);
must(
  "a coding that is not wanted is not one that is",
  "miss",
  [fresh, "Vary: Accept-Encoding"],
  foo(["Accept-Encoding: gzip"], ["Accept-Encoding: gzip;q=0.0"]),
);

group = "what the client asks for";
const again = (...fields: readonly string[]): Rest => ({ again: fields });
own("max-age=0", "miss", [fresh], again(cc("max-age=0")));
own("max-age=0 with a validator", "validated", [fresh, 'ETag: "v"'], again(cc("max-age=0")));
own("max-age below the age", "miss", [fresh, "Age: 100"], again(cc("max-age=50")));
own("max-age above the age", "hit", [fresh, "Age: 100"], again(cc("max-age=200")));
own("min-fresh that it is", "hit", [fresh], again(cc("min-fresh=1000")));
own("min-fresh that it is not", "miss", [fresh], again(cc("min-fresh=9000")));
own("min-fresh that it is not any more", "miss", [fresh, "Age: 3000"], again(cc("min-fresh=1000")));
may("max-stale", "hit", [cc("max-age=60"), "Age: 100", 'ETag: "v"'], again(cc("max-stale=1000")));
may("max-stale without a value", "hit", [cc("max-age=60"), "Age: 100", 'ETag: "v"'], again(cc("max-stale")));
own(
  "max-stale that is not enough",
  "validated",
  [cc("max-age=60"), "Age: 100", 'ETag: "v"'],
  again(cc("max-stale=10")),
);
own(
  "max-stale, and must-revalidate",
  "validated",
  [cc("max-age=60, must-revalidate"), "Age: 100", 'ETag: "v"'],
  again(cc("max-stale=1000")),
);
own(
  "max-stale, and s-maxage",
  "validated",
  [cc("s-maxage=60"), "Age: 100", 'ETag: "v"'],
  again(cc("max-stale=1000")),
);
own("no-cache", "miss", [fresh], again(cc("no-cache")));
own("no-cache with a validator", "validated", [fresh, 'ETag: "v"'], again(cc("no-cache")));
may("Pragma: no-cache", "miss", [fresh], again("Pragma: no-cache"));
must(
  "Pragma does not matter beside Cache-Control",
  "hit",
  [fresh],
  again("Pragma: no-cache", cc("max-age=1000")),
);
own("no-store the first time", "miss", [fresh], { asks: [cc("no-store")] });
own("no-store the second time", "miss", [fresh], again(cc("no-store")));
own("only-if-cached, and it is", "hit", [fresh], again(cc("only-if-cached")));
own("only-if-cached, and it is not", "hit", [cc("no-store")], { again: [cc("only-if-cached")], shown: 504 });
must("unknown directives", "hit", [fresh], again(cc("unknown=1")));

group = "conditions";
const version = [fresh, 'ETag: "abc"'];
must("If-None-Match that matches", "hit", version, {
  again: ['If-None-Match: "abc"'],
  shown: 304,
  shows: ['etag: "abc"'],
});
must("If-None-Match that does not", "hit", version, { again: ['If-None-Match: "abcd"'], shown: 200 });
must("a weak one matches", "hit", version, { again: ['If-None-Match: W/"abc"'], shown: 304 });
must("a stored weak one matches", "hit", [fresh, 'ETag: W/"abc"'], {
  again: ['If-None-Match: "abc"'],
  shown: 304,
});
must("one of several", "hit", version, { again: ['If-None-Match: "a", "b,c", "abc"'], shown: 304 });
must("none of several", "hit", version, { again: ['If-None-Match: "a", "b"'], shown: 200 });
must("*", "hit", version, { again: ["If-None-Match: *"], shown: 304 });
must("in two lines", "hit", version, { again: ['If-None-Match: "a"', 'If-None-Match: "abc"'], shown: 304 });
must("a comma within a tag", "hit", [fresh, 'ETag: "a,b"'], { again: ['If-None-Match: "a,b"'], shown: 304 });
must("without quotes it is none", "hit", version, { again: ["If-None-Match: abc"], shown: 200 });
must("If-Modified-Since that is later", "hit", [fresh, "Last-Modified: DATE-1000"], {
  again: ["If-Modified-Since: DATE-500"],
  shown: 304,
});
must("If-Modified-Since that is the same", "hit", [fresh, "Last-Modified: DATE-1000"], {
  again: ["If-Modified-Since: DATE-1000"],
  shown: 304,
});
must("If-Modified-Since that is earlier", "hit", [fresh, "Last-Modified: DATE-1000"], {
  again: ["If-Modified-Since: DATE-2000"],
  shown: 200,
});
must("If-Modified-Since that is no date", "hit", [fresh, "Last-Modified: DATE-1000"], {
  again: ["If-Modified-Since: soon"],
  shown: 200,
});
must("If-None-Match before If-Modified-Since", "hit", [...version, "Last-Modified: DATE-1000"], {
  again: ['If-None-Match: "x"', "If-Modified-Since: DATE-500"],
  shown: 200,
});
must("a 304 has no type", "hit", [...version, "Content-Type: text/plain"], {
  again: ['If-None-Match: "abc"'],
  shown: 304,
  shows: ["-content-type"],
});
must("a 304 has Cache-Control", "hit", version, {
  again: ['If-None-Match: "abc"'],
  shown: 304,
  shows: ["cache-control: max-age=3600"],
});
must("the first client's condition is answered, too", "hit", version, { asks: ['If-None-Match: "abc"'] });
must("If-Match is the origin's to answer", "miss", version, again('If-Match: "abc"'));
must("If-Unmodified-Since is the origin's to answer", "miss", version, again("If-Unmodified-Since: DATE+0"));

group = "asking again";
const stale = [cc("max-age=60"), "Age: 100"];
must("by ETag", "validated", [...stale, 'ETag: "v"']);
must("by a weak ETag", "validated", [...stale, 'ETag: W/"v"']);
must("by Last-Modified", "validated", [...stale, "Last-Modified: DATE-1000"]);
must("by both", "validated", [...stale, 'ETag: "v"', "Last-Modified: DATE-1000"]);
must("without a validator not at all", "miss", stale);
must("an ETag without quotes is none", "miss", [...stale, "ETag: v"]);
must("max-age=0 with an ETag", "validated", [cc("max-age=0"), 'ETag: "v"']);
own("no lifetime with an ETag", "validated", ['ETag: "v"']);
for (const name of [
  "Test-Header",
  "X-Test-Header",
  "Content-Foo",
  "X-Content-Foo",
  "Cache-Control",
  "Content-Language",
  "Content-MD5",
  "Content-Disposition",
  "Content-Security-Policy",
  "X-Frame-Options",
  "X-XSS-Protection",
  "Link",
  "Expires",
  "Warning",
])
  must(
    `the 304 renews ${name}`,
    "validated",
    [...stale, 'ETag: "v"', ...(name === "Cache-Control" || name === "Expires" ? [] : [`${name}: old`])],
    {
      renews: [
        `${name}: ${name === "Cache-Control" ? "max-age=999" : name === "Expires" ? "DATE+999" : "new"}`,
      ],
      shows: [
        `${name.toLowerCase()}: ${name === "Cache-Control" ? "max-age=999" : name === "Expires" ? "DATE+999" : "new"}`,
      ],
    },
  );
for (const name of ["Content-Length", "Content-Encoding", "Content-Type"])
  must(
    `the 304 does not change ${name}`,
    "validated",
    [...stale, 'ETag: "v"', ...(name === "Content-Length" ? [] : [`${name}: text/old`])],
    {
      renews: [`${name}: ${name === "Content-Length" ? "77" : "text/new"}`],
      ...(name === "Content-Length" ? {} : { shows: [`${name.toLowerCase()}: text/old`] }),
    },
  );
must("what the 304 does not name stays", "validated", [...stale, 'ETag: "v"', "X-Own: old"], {
  renews: ["X-Other: new"],
  shows: ["x-own: old", "x-other: new"],
});
must("Connection's fields of the 304 stay out", "validated", [...stale, 'ETag: "v"'], {
  renews: ["Connection: X-Hop", "X-Hop: 1"],
  shows: ["-x-hop"],
});

group = "fields";
for (const name of [
  "Test-Header",
  "X-Test-Header",
  "Content-Foo",
  "X-Content-Foo",
  "Cache-Control",
  "Content-Encoding",
  "Content-Language",
  "Content-Location",
  "Content-Type",
  "Content-Disposition",
  "ETag",
  "Last-Modified",
  "Link",
  "Location",
  "Expires",
  "Date",
  "Allow",
  "Accept-Ranges",
  "Retry-After",
  "Access-Control-Allow-Origin",
  "Strict-Transport-Security-Report",
  "Alt-Svc",
  "X-Content-Type-Options",
]) {
  const value =
    {
      "Cache-Control": "max-age=999",
      ETag: '"v"',
      Expires: "DATE+5000",
      Date: "DATE-3",
      "Last-Modified": "DATE-999",
    }[name] ?? "own-value";
  must(`${name} is stored`, "hit", [...(name === "Cache-Control" ? [] : [fresh]), `${name}: ${value}`], {
    shows: [`${name.toLowerCase()}: ${value}`],
  });
}
for (const name of ["Keep-Alive", "Proxy-Authenticate", "TE", "Upgrade", "Proxy-Connection"])
  must(`${name} is of one hop`, "hit", [fresh, `${name}: x`], { shows: [`-${name.toLowerCase()}`] });
must("what Connection names is of one hop", "hit", [fresh, "Connection: a, b", "A: 1", "B: 2"], {
  shows: ["-a", "-b"],
});
own("Surrogate-Key is the gateway's", "hit", [fresh, "Surrogate-Key: a"], { shows: ["-surrogate-key"] });

group = "ranges";
const ranged = (
  range: string,
  shown: number,
  shows: readonly string[] = [],
  more: readonly string[] = [],
): Rest => ({
  again: [`Range: ${range}`, ...more],
  shown,
  shows,
});
own(
  "the first bytes",
  "hit",
  version,
  ranged("bytes=0-1", 206, ["content-range: bytes 0-1/4", "content-length: 2"]),
);
own("from the middle", "hit", version, ranged("bytes=2-", 206, ["content-range: bytes 2-3/4"]));
own("the last bytes", "hit", version, ranged("bytes=-1", 206, ["content-range: bytes 3-3/4"]));
own(
  "more than there is from the end",
  "hit",
  version,
  ranged("bytes=-99", 206, ["content-range: bytes 0-3/4"]),
);
own("beyond the end is cut off", "hit", version, ranged("bytes=1-99", 206, ["content-range: bytes 1-3/4"]));
own("behind the end", "hit", version, ranged("bytes=4-", 416, ["content-range: bytes */4"]));
own("another unit", "hit", version, ranged("lines=0-1", 200));
own("turned round", "hit", version, ranged("bytes=2-1", 200));
own("not a number", "hit", version, ranged("bytes=a-b", 200));
own("two parts", "hit", version, ranged("bytes=0-0,2-2", 206, ["content-type: multipart/byteranges*"]));
own("more parts than bytes", "hit", version, ranged("bytes=0-3,0-3,0-3", 200));
own("If-Range that matches", "hit", version, ranged("bytes=0-1", 206, [], ['If-Range: "abc"']));
must("If-Range that does not", "hit", version, ranged("bytes=0-1", 200, [], ['If-Range: "x"']));
must(
  "If-Range with a weak tag",
  "hit",
  [fresh, 'ETag: W/"abc"'],
  ranged("bytes=0-1", 200, [], ['If-Range: W/"abc"']),
);
must("a part of what is not stored is not stored", "miss", version, { asks: ["Range: bytes=0-1"] });

group = "stale answers";
const gone = (fails: number): Rest => ({ fails });
for (const status of [500, 502, 503, 504]) {
  may(`stale-if-error, ${status}`, "hit", [cc("max-age=60, stale-if-error=1000"), "Age: 100"], gone(status));
  must(`without it, ${status}`, "miss", [cc("max-age=60"), "Age: 100", 'ETag: "v"'], gone(status));
}
must("stale-if-error that is over", "miss", [cc("max-age=60, stale-if-error=10"), "Age: 100"], gone(503));
must(
  "stale-if-error and must-revalidate",
  "miss",
  [cc("max-age=60, stale-if-error=1000, must-revalidate"), "Age: 100", 'ETag: "v"'],
  gone(503),
);
must(
  "stale-if-error and s-maxage",
  "miss",
  [cc("s-maxage=60, stale-if-error=1000"), "Age: 100", 'ETag: "v"'],
  gone(503),
);
must("stale-if-error is not for 404", "miss", [cc("max-age=60, stale-if-error=1000"), "Age: 100"], gone(404));
may("stale-while-revalidate", "hit", [cc("max-age=60, stale-while-revalidate=1000"), "Age: 100"]);
must("stale-while-revalidate that is over", "miss", [
  cc("max-age=60, stale-while-revalidate=10"),
  "Age: 100",
]);
must("stale-while-revalidate and must-revalidate", "validated", [
  cc("max-age=60, stale-while-revalidate=1000, must-revalidate"),
  "Age: 100",
  'ETag: "v"',
]);
must(
  "stale-while-revalidate and no-cache of the client",
  "miss",
  [cc("max-age=60, stale-while-revalidate=1000"), "Age: 100"],
  { again: [cc("no-cache")] },
);

export const suiteCases: readonly SuiteCase[] = cases;
