import assert from "node:assert/strict";
import { suite, test } from "node:test";
import fc from "fast-check";
import type { ValueSink } from "../../src/body/place.ts";
import { defaultXmlLimits, type XmlLimits, XmlReader } from "../../src/body/xml.ts";

interface Reading {
  readonly reason: string;
  readonly values: readonly string[];
  /** The source bytes that each value's place names. */
  readonly spans: readonly string[];
}

interface How {
  readonly cuts?: readonly number[];
  readonly limits?: Partial<XmlLimits>;
}

function read(body: Uint8Array | string, how: How = {}): Reading {
  const bytes = typeof body === "string" ? Buffer.from(body) : body;
  const values: string[] = [];
  const spans: string[] = [];
  const sink: ValueSink = {
    value(from, start, end, place) {
      values.push(`${place.text()}=${Buffer.from(from.subarray(start, end)).toString()}`);
      spans.push(Buffer.from(bytes.subarray(place.start, place.end)).toString());
    },
  };
  const reader = new XmlReader(sink, { ...defaultXmlLimits, ...how.limits });
  let at = 0;
  for (const end of [...(how.cuts ?? []), bytes.length]) {
    const chunk = new Uint8Array(end - at + 3).fill(0x3c);
    chunk.set(bytes.subarray(at, end), 2);
    reader.write(chunk, 2, 2 + end - at);
    at = end;
  }
  return { reason: reader.end() ?? "", values, spans };
}

function refused(reason: string, ...bodies: readonly (string | Uint8Array)[]): void {
  for (const body of bodies) {
    const whole = read(body);
    assert.equal(whole.reason, reason, JSON.stringify(Buffer.from(body).toString("latin1").slice(0, 200)));
    const cuts = Array.from({ length: Math.min(2_000, Buffer.from(body).length) }, (_, at) => at);
    assert.deepEqual(read(body, { cuts }), whole, "byte by byte");
  }
}

function texts(body: string): readonly string[] {
  const { reason, values } = read(body);
  assert.equal(reason, "", body);
  return values
    .filter((value) => value.startsWith("xml:"))
    .map((value) => value.slice(value.indexOf("=") + 1));
}

suite("XML", () => {
  test("reports names, attributes and text with their paths, and where they stand", () => {
    const body = `<?xml version="1.0" encoding="utf-8"?>
<s:Envelope xmlns:s='http://a/"b"'>
  <s:Body a = "1" b.c="2"><q>O'Brien</q ><empty
/></s:Body>
</s:Envelope>
`;
    const { reason, values, spans } = read(body);
    assert.equal(reason, "");
    assert.deepEqual(values, [
      "xml_name=s:Envelope",
      'xml_attribute:s:Envelope/@xmlns:s=http://a/"b"',
      "xml_name:s:Envelope=s:Body",
      "xml_attribute:s:Envelope/s:Body/@a=1",
      "xml_attribute:s:Envelope/s:Body/@b.c=2",
      "xml_name:s:Envelope/s:Body=q",
      "xml:s:Envelope/s:Body/q=O'Brien",
      "xml_name:s:Envelope/s:Body=empty",
    ]);
    assert.deepEqual(
      spans,
      values.map((value) => value.slice(value.lastIndexOf("=") + 1)),
    );
  });

  test("documents as clients write them are read", () => {
    for (const body of [
      "<a/>",
      "<a></a>",
      "\ufeff<?xml version='1.0'?><a/>",
      '<?xml version="1.0" encoding="ISO-8859-1" standalone="yes" ?>\r\n<a/>\r\n<!-- end --><?done?>\n',
      "<?xml version='1.1' encoding='windows-1251'?><a/>",
      "<!-- first --><a/>",
      "<été façon='ü'>日本</été>",
      "<a><b/>text<b/></a >",
      `<methodCall><methodName>wp.getPosts</methodName><params><param><value><int>1</int></value></param></params></methodCall>`,
      '<D:propfind xmlns:D="DAV:"><D:prop><D:getetag/></D:prop></D:propfind>',
      '<a>1 > 0 ]] ]> "quoted"</a>',
      "<a b='>'/>",
    ])
      assert.equal(read(body).reason, "", body);
  });

  test("text is what the application sees", () => {
    assert.deepEqual(texts("<a>&lt;script&#62;&#x61;l&amp;&quot;&apos;&#128512;&#x20AC;&#xe9;</a>"), [
      "<script>al&\"'😀€é",
    ]);
    assert.deepEqual(texts("<a>UNI<!-- x -->ON<![CDATA[ <SEL]]>ECT<?pi x?>!</a>").at(-1), "UNION <SELECT!");
    assert.deepEqual(texts("<a><![CDATA[]]]]]><![CDATA[]>&lt;]]></a>"), ["]]]]>&lt;"]);
    assert.deepEqual(texts("<a> \r\n <b> x </b>\t</a>"), [" x "]);
    assert.deepEqual(texts("<a><![CDATA[ \n ]]></a>"), []);
    assert.deepEqual(texts("<a>&#32;&#10;</a>"), []);
    assert.deepEqual(texts("<a>x<b/>y</a>"), ["x", "y"]);
    const { values, spans } = read('<a b="&#x27; or &quot;">&#x27;1</a>');
    assert.deepEqual(values, ["xml_name=a", "xml_attribute:a/@b=' or \"", "xml:a='1"]);
    assert.deepEqual(spans, ["a", "&#x27; or &quot;", "&#x27;1"]);
  });

  test("comments and processing instructions are reported", () => {
    const { values } = read("<?xml-stylesheet href='http://x/y.xsl'?><a><!-- <b>-c - --></a>");
    assert.deepEqual(values, [
      "xml_name=?xml-stylesheet href='http://x/y.xsl'",
      "xml_name=a",
      "xml:#comment= <b>-c - ",
    ]);
  });

  test("what makes a parser fetch something is reported as one value", () => {
    const links = (body: string): readonly string[] =>
      read(body)
        .values.filter((value) => value.includes("=<"))
        .map((value) => value.slice(value.indexOf("=") + 1));
    assert.deepEqual(links('<a xmlns:xi="x"><xi:include parse="text" href="file:///etc/passwd"/></a>'), [
      '<xi:include parse="text"',
      '<xi:include href="file:///etc/passwd"',
    ]);
    assert.deepEqual(links('<xs:import schemaLocation="http://x/&#x61;"/>'), [
      '<xs:import schemaLocation="http://x/a"',
    ]);
    assert.deepEqual(links("<a xsi:noNamespaceSchemaLocation='http://x/'/>"), [
      '<a xsi:noNamespaceSchemaLocation="http://x/"',
    ]);
    assert.deepEqual(links('<a href="http://x/"><included href="y"/></a>'), []);
  });

  test("any cutting into chunks gives the same values and the same verdict", () => {
    const piece = fc.constantFrom(
      ..."<a b='c'>|</a>|<a>|<b/>|text|&lt;|&#x41;|&|;|<|>|/|'|\"|=| |<!--|-->|--|<![CDATA[|]]>|]|<?|?>|x|é|\0|\t".split(
        "|",
      ),
    );
    const body = fc.array(piece, { maxLength: 25 }).map((pieces) => Buffer.from(`<r>${pieces.join("")}</r>`));
    const limits = { pieceBytes: 6, overlapBytes: 2, depthMax: 4, attributesMax: 3, nameBytesMax: 8 };
    fc.assert(
      fc.property(body, fc.array(fc.nat(), { maxLength: 40 }), (bytes, numbers) => {
        const cuts = numbers.map((number) => number % (bytes.length + 1)).sort((a, b) => a - b);
        assert.deepEqual(read(bytes, { cuts, limits }), read(bytes, { limits }));
      }),
      { numRuns: 3_000 },
    );
  });

  test("what a printer writes is read back", () => {
    const text = fc.string({
      unit: fc.constantFrom("a", "<", ">", "&", "'", '"', "]", "-", " ", "é", "😀"),
      maxLength: 30,
    });
    const escaped = (value: string): string =>
      value.replace(/[<>&'"]/g, (char) => `&#${char.charCodeAt(0)};`).replace(/]/g, "&#x5D;");
    fc.assert(
      fc.property(fc.array(fc.tuple(text, text)), (pairs) => {
        const body = pairs.map(([a, t]) => `<e a="${escaped(a)}">${escaped(t)}</e>`).join("");
        const wanted = pairs.flatMap(([a, t]) => [
          "xml_name:r=e",
          ...(a === "" ? [] : [`xml_attribute:r/e/@a=${a}`]),
          ...(t.trim() === "" ? [] : [`xml:r/e=${t}`]),
        ]);
        assert.deepEqual(read(`<r>${body}</r>`), {
          ...read(`<r>${body}</r>`),
          reason: "",
          values: ["xml_name=r", ...wanted],
        });
      }),
    );
  });

  test("a long text comes in pieces that overlap", () => {
    const { values } = read("<a>0123456789AB</a>", { limits: { pieceBytes: 6, overlapBytes: 2 } });
    assert.deepEqual(values.slice(1), ["xml:a=012345", "xml:a=456789", "xml:a=89AB"]);
  });

  suite("BT8: document types and entities", () => {
    test("a DOCTYPE is refused before anything of it is read", () => {
      refused(
        "xml_doctype",
        "<!DOCTYPE a>",
        '<?xml version="1.0"?><!DOCTYPE a SYSTEM "http://x/y.dtd"><a/>',
        '<!doctype a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>',
        '<!DOCTYPE a [<!ENTITY b "bb"><!ENTITY c "&b;&b;&b;&b;&b;">]><a>&c;</a>',
        '<!DOCTYPE a [<!ENTITY % b SYSTEM "http://x"> %b;]><a/>',
        "<a><!DOCTYPE b></a>",
        "<!DOCTYPE",
      );
      refused("xml_syntax", "<!ENTITY a 'b'><a/>", "<![INCLUDE[<a/>]]>", "<a><!ELEMENT b></a>");
    });

    test("references to anything but characters and the five entities are refused", () => {
      refused(
        "xml_entity",
        "<a>&xxe;</a>",
        "<a>&nbsp;</a>",
        "<a b='&x;'/>",
        "<a>&;</a>",
        "<a>a & b</a>",
        "<a>a &amp b;</a>",
        "<a>&#;</a>",
        "<a>&#x;</a>",
        "<a>&#X41;</a>",
        "<a>&#-1;</a>",
        "<a>&#6 5;</a>",
        "<a>&#0;</a>",
        "<a>&#8;</a>",
        "<a>&#xD800;</a>",
        "<a>&#xFFFF;</a>",
        "<a>&#x110000;</a>",
        "<a>&#99999999999;</a>",
        `<a>&#${"0".repeat(30)}65;</a>`,
        `<a>&${"x".repeat(1_000)};</a>`,
        "<a>&constructor;</a>",
      );
    });

    test("encodings that are not read like ASCII are refused", () => {
      refused(
        "xml_encoding",
        '<?xml version="1.0" encoding="UTF-7"?>+ADw-a+AD4',
        "<?xml version='1.0' encoding='UTF-16'?><a/>",
        '<?xml version="1.0" encoding="ibm037"?><a/>',
        '<?xml version="1.0" encoding="shift_jis"?><a/>',
        Buffer.from("\ufeff<a/>", "utf16le"),
        Buffer.from("<a/>", "utf16le"),
        Buffer.from("<a/>", "utf16le").swap16(),
        Buffer.from([0xef, 0xbb, 0x3c]),
        Buffer.from([0xff, 0xfe, 0, 0, 0x3c, 0, 0, 0]),
      );
      refused(
        "xml_syntax",
        "<a/><?xml version='1.0'?>",
        " <?xml version='1.0'?><a/>",
        "<?XML version='1.0'?><a/>",
        "<?xml?><a/>",
        "<?xml version='2.0'?><a/>",
        "<?xml encoding='utf-8'?><a/>",
        "<?xml version='1.0' encoding='utf-8' encoding='utf-7'?><a/>",
        "<?xml version='1.0' encoding=utf-8?><a/>",
        `<?xml version='1.0' ${" ".repeat(300)}?><a/>`,
      );
    });
  });

  test("what is not well-formed is refused", () => {
    refused(
      "xml_syntax",
      "text",
      "{}",
      "a=b&c=d",
      "&lt;a/>",
      "<a/>text",
      "<a/><b/>",
      "<a></b>",
      "<a></ab>",
      "<ab></a>",
      "<a><b></a></b>",
      "</a>",
      "<a></a></a>",
      "< a/>",
      "<1/>",
      "<a b=c/>",
      "<a b/>",
      "<a b='c'd='e'/>",
      "<a b='<'/>",
      "<a / >",
      "<a<b/>",
      "<a></ a>",
      "<a></a b>",
      "<a></a/>",
      "<a>\0</a>",
      "<a>\x01</a>",
      "<a b='\x1b'/>",
      "<a\x0b/>",
      "<!- x --><a/>",
      "<!-- a -- b --><a/>",
      "<!-- a ---><a/>",
      "<![CDATA[x]]>",
      "<a><![CDAT[x]]></a>",
      "<? x?><a/>",
      "<??><a/>",
      "<a/>&#32;",
      "<%= x %>",
    );
    refused(
      "xml_cut",
      "",
      " ",
      "\ufeff",
      "<",
      "<a",
      "<a>",
      "<a><b></b>",
      "<a/><!--",
      "<a>&lt",
      "<a><![CDATA[x]]",
      "<?x",
      "<a/><?x",
    );
  });

  test("depth, attributes, names and elements are limited", () => {
    const nested = (depth: number): string => "<a>".repeat(depth) + "</a>".repeat(depth);
    const attributes = (count: number): string =>
      `<a ${Array.from({ length: count }, (_, at) => `a${at}=''`).join(" ")}/>`;
    assert.equal(read(nested(100)).reason, "");
    refused("xml_depth", nested(101), "<a>".repeat(100_000));
    assert.equal(read(attributes(128)).reason, "");
    refused(
      "xml_attributes",
      attributes(129),
      "<a b='1' b='2'/>",
      "<a b='1' c='' d='' b='2'/>",
      "<x><a b='' c=''/><a b='' b=''/></x>",
    );
    assert.equal(
      read(`<x><a b='' c=''/><a b='' d='' c=''/><${"n".repeat(256)}/><a ${"n".repeat(256)}=''/></x>`).reason,
      "",
    );
    refused("xml_name", `<${"n".repeat(257)}/>`, `<a ${"n".repeat(257)}=''/>`, `<${"n".repeat(9_000)}`);
    assert.equal(read("<a><b/><b/></a>", { limits: { elementsMax: 3 } }).reason, "");
    assert.equal(read("<a><b/><b/><b/></a>", { limits: { elementsMax: 3 } }).reason, "xml_elements");
  });

  test("a reader is as new after reset", () => {
    const values: string[] = [];
    const reader = new XmlReader({
      value: (bytes, start, end) => void values.push(Buffer.from(bytes.subarray(start, end)).toString()),
    });
    for (const body of ["<a><b c='d'>text", "\ufeff<a/>", "<a>&x;</a>", "<a/>"]) {
      reader.reset();
      const bytes = Buffer.from(body);
      reader.write(bytes, 0, bytes.length);
    }
    assert.equal(reader.end(), undefined);
    assert.equal(values.at(-1), "a");
  });

  test("nothing throws, whatever comes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        read(bytes);
        read(Buffer.concat([Buffer.from("<a>"), bytes]));
        read(Buffer.concat([Buffer.from("<a "), bytes]));
      }),
      { numRuns: 500 },
    );
  });
});
