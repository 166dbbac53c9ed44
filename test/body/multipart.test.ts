import assert from "node:assert/strict";
import { suite, test } from "node:test";
import fc from "fast-check";
import { readContentType } from "../../src/body/content-type.ts";
import {
  defaultMultipartLimits,
  type MultipartLimits,
  MultipartReader,
  type PartFacts,
  type PartReader,
} from "../../src/body/multipart.ts";
import type { ValueSink } from "../../src/body/place.ts";

interface Reading {
  readonly reason: string;
  /** `place=value`, in order. */
  readonly values: readonly string[];
  readonly spans: readonly string[];
}

interface How {
  readonly cuts?: readonly number[];
  readonly limits?: Partial<MultipartLimits>;
  readonly readerOf?: (part: PartFacts) => PartReader | undefined;
  readonly boundary?: string;
}

function read(body: Uint8Array | string, how: How = {}): Reading {
  const bytes = typeof body === "string" ? Buffer.from(body, "latin1") : body;
  const values: string[] = [];
  const spans: string[] = [];
  const sink: ValueSink = {
    value(from, start, end, place) {
      values.push(`${place.text()}=${Buffer.from(from.subarray(start, end)).toString("latin1")}`);
      spans.push(Buffer.from(bytes.subarray(place.start, place.end)).toString("latin1"));
    },
  };
  const limits = { ...defaultMultipartLimits, ...how.limits };
  const reader = new MultipartReader(how.boundary ?? "bOuNd", sink, limits, how.readerOf);
  let reason: string | undefined;
  let at = 0;
  for (const end of [...(how.cuts ?? []), bytes.length]) {
    // At another offset of another array each time: a reader must not mix chunk and body offsets.
    const chunk = new Uint8Array(end - at + 3).fill(0x2d);
    chunk.set(bytes.subarray(at, end), 2);
    reason = reader.write(chunk, 2, 2 + end - at);
    at = end;
  }
  reason = reader.end();
  return { reason: reason ?? "", values, spans };
}

function part(head: string, content = "x"): string {
  return `--bOuNd\r\n${head}\r\n\r\n${content}\r\n`;
}

function disposition(parameters: string, more = ""): string {
  return `${part(`Content-Disposition: form-data${parameters}${more}`)}--bOuNd--\r\n`;
}

function refused(reason: string, body: string, how: How = {}): void {
  const whole = read(body, how);
  assert.equal(whole.reason, reason, JSON.stringify(body.slice(0, 200)));
  if (body.length < 2_000) {
    const bytewise = read(body, { ...how, cuts: Array.from({ length: body.length }, (_, at) => at) });
    assert.deepEqual(bytewise, whole, "byte by byte");
  }
}

const ok = 'Content-Disposition: form-data; name="a"';

suite("multipart", () => {
  test("reports names, file names, types, unusual headers and contents, and where they stand", () => {
    const body =
      part('Content-Disposition: form-data; name="user"', "O'Brien") +
      part(
        'content-disposition: form-data; filename="a.txt"; name="up"\r\nContent-Type: text/plain',
        "file\r\n",
      ) +
      part("Content-Disposition: form-data; name=token; size=12\r\nX-Odd:  thing ", "") +
      "--bOuNd--\r\n";
    const { reason, values, spans } = read(body);
    assert.equal(reason, "");
    assert.deepEqual(values, [
      "part_name=user",
      "part:user=O'Brien",
      "part_name=up",
      "part_filename:up=a.txt",
      "part_type:up=text/plain",
      "body_bytes:up=file\r\n",
      "part_name=token",
      "part_header:size=12",
      "part_header:x-odd=thing",
    ]);
    assert.deepEqual(
      spans,
      values.map((value) => value.slice(value.indexOf("=") + 1)),
    );
  });

  test("forms as clients write them are read", () => {
    const end = "--bOuNd--";
    for (const body of [
      `${part(ok)}${end}\r\n`,
      `${part(ok)}${end}`,
      `\r\n${part(ok)}${end}\r\n\r\n`,
      `${end}\r\n`, // an empty form
      part(`${ok}\r\nContent-Type: text/plain;charset=UTF-8\r\nContent-Transfer-Encoding: 8bit`) + end,
      part(`${ok}\r\nContent-Length: 1`) + end,
      part(`${ok}\r\nContent-Type: text/plain; charset="utf-8"; boundary=inner`) + end,
      part(
        'Content-Disposition: form-data; name="a"; filename=""\r\nContent-Type: application/octet-stream',
        "",
      ) + end,
      part('Content-Disposition: form-data; name="q[]"; filename="it%22s \xc3\xa9 (1).png"') + end,
      part('Content-Disposition: form-data; name="a";') + end,
      part(ok, "--bOuN\r\n--\r\n\r--bOun\r\n----") + end,
    ])
      assert.equal(read(body).reason, "", body);
  });

  test("any cutting into chunks gives the same values and the same verdict", () => {
    const piece = fc.oneof(
      fc.constantFrom(
        "\r\n",
        "--bOuNd",
        "--bOuNd\r\n",
        "--bOuNd--",
        "--bOu",
        "-",
        "\r",
        "\n",
        " ",
        "x",
        ok,
        "\r\n\r\n",
      ),
      fc.constant(part(ok)),
      fc.constant(part('Content-Disposition: form-data; name="f"; filename="n"', "0123456789".repeat(9))),
      fc.string({ maxLength: 20 }),
    );
    const body = fc
      .array(piece, { maxLength: 12 })
      .map((pieces) => `${part(ok, pieces.join(""))}${pieces.join("")}--bOuNd--`);
    const limits = { pieceBytes: 20, overlapBytes: 5, fileBytesMax: 40, headBytesMax: 120 };
    fc.assert(
      fc.property(body, fc.array(fc.nat(), { maxLength: 30 }), (text, numbers) => {
        const cuts = numbers.map((number) => number % (text.length + 1)).sort((a, b) => a - b);
        assert.deepEqual(read(text, { cuts, limits }), read(text, { limits }));
      }),
      { numRuns: 2_000 },
    );
  });

  test("what a form encoder writes is read back, whatever the contents", () => {
    const content = fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes).toString("latin1"));
    const dashes = fc
      .array(fc.constantFrom("-", "\r\n", "b", "--bOuN", "\n"))
      .map((pieces) => pieces.join(""));
    fc.assert(
      fc.property(fc.array(fc.oneof(content, dashes), { maxLength: 6 }), (contents) => {
        fc.pre(contents.every((text) => !text.includes("--bOuNd")));
        const { reason, values } = read(`${contents.map((text) => part(ok, text)).join("")}--bOuNd--\r\n`);
        assert.equal(reason, "");
        const wanted = contents.flatMap((text) => [
          "part_name=a",
          ...(text === "" ? [] : [`part:a=${text}`]),
        ]);
        const filled = contents.filter((text) => text !== "");
        if (filled.length > 1) wanted.push(`part:a=${filled.join(",")}`);
        assert.deepEqual(values, wanted);
      }),
    );
  });

  test("the contents of fields with one name are also read joined, those of files are not", () => {
    const field = (name: string, text: string): string =>
      part(`Content-Disposition: form-data; name="${name}"`, text);
    const file = part('Content-Disposition: form-data; name="q"; filename="n"', "3");
    const { values } = read(`${field("q", "<scr")}${field("z", "1")}${file}${field("q", "ipt>")}--bOuNd--`);
    assert.equal(values.at(-1), "part:q=<scr,ipt>");
    assert.equal(values.length, 4 * 2 + 1 + 1);
    const body = `${field("q", "<scr")}${field("z", "y".repeat(50_000)).repeat(90)}${field("q", "ipt>")}--bOuNd--`;
    assert.equal(read(body).values.at(-1), "part:q=<scr,ipt>");
  });

  test("of long fields with one name both ends are joined", () => {
    const body = `${part(ok, `${"x".repeat(9_000)}<scr`)}${part(ok, `ipt>${"y".repeat(20_000)}`)}--bOuNd--`;
    const joined = read(body).values.filter((value) => value.includes("<scr,ipt>"));
    assert.equal(joined.length, 1);
    assert.match(joined[0]!, /^part:a=x{1024}\nx{1020}<scr,ipt>y{1020}\ny{1024}$/);
    const cuts = Array.from({ length: body.length }, (_, at) => at);
    assert.deepEqual(read(body, { cuts }), read(body));
  });

  test("a delimiter that overlaps itself is found", () => {
    const boundary = "-----a-----a";
    const body = `--${boundary}\r\n${ok}\r\n\r\n-----a-----\r\n-----a----\r\n--${boundary}--`;
    assert.deepEqual(read(body, { boundary }).values, ["part_name=a", "part:a=-----a-----\r\n-----a----"]);
  });

  test("long text is reported in pieces that overlap, and a file up to its limit", () => {
    const limits = { pieceBytes: 10, overlapBytes: 3, fileBytesMax: 12 };
    const texts = (length: number): readonly string[] => {
      const body = `${part(ok, "0123456789ABCDEFGHIJKLMNOPQ".slice(0, length))}--bOuNd--`;
      const { values, spans } = read(body, { limits });
      assert.deepEqual(
        values.map((value) => value.slice(value.indexOf("=") + 1)),
        spans,
      );
      return spans.slice(1);
    };
    assert.deepEqual(texts(10), ["0123456789"]);
    assert.deepEqual(texts(11), ["0123456789", "789A"]);
    assert.deepEqual(texts(18), ["0123456789", "789ABCDEFG", "EFGH"]);
    const file = part('Content-Disposition: form-data; name="f"; filename="n"', "0123456789ABCDEFGH");
    const { values } = read(`${file}--bOuNd--`, { limits });
    assert.deepEqual(values.slice(2), ["body_bytes:f=0123456789", "body_bytes:f=789AB"]);
    const none = read(`${file}--bOuNd--`, { limits: { fileBytesMax: 0 } });
    assert.deepEqual(none.values, ["part_name=f", "part_filename:f=n"]);
  });

  test("a file without a name is read as the field that some servers take it for", () => {
    const empty = part('Content-Disposition: form-data; name="f"; filename=""', "0123456789ABCDEFGH");
    const { values } = read(`${empty}--bOuNd--`, { limits: { fileBytesMax: 12 } });
    assert.deepEqual(values, ["part_name=f", "part:f=0123456789ABCDEFGH"]);
  });

  test("a file that only `filename*` names is read whole: some servers take it for a field", () => {
    const extended = part(
      "Content-Disposition: form-data; name=\"f\"; filename*=UTF-8''n",
      "0123456789ABCDEFGH",
    );
    const { values } = read(`${extended}--bOuNd--`, { limits: { fileBytesMax: 12 } });
    assert.deepEqual(values.slice(2), ["body_bytes:f=0123456789ABCDEFGH"]);
  });

  test("MP1: what is no boundary, or two, is refused with its Content-Type", () => {
    for (const parameters of [
      "",
      "; boundary=",
      '; boundary=""',
      `; boundary=${"b".repeat(71)}`,
      '; boundary="a\\b"',
      '; boundary="a "',
      "; boundary=a; boundary=b",
      '; boundary=a; BOUNDARY="a"',
    ])
      assert.equal(readContentType(`multipart/form-data${parameters}`), "ct_boundary", parameters);
    assert.equal(readContentType("multipart/form-data; boundary=a*b"), "ct_syntax");
    assert.equal(readContentType("multipart/form-data; boundary*=utf-8''a"), "ct_params");
    assert.equal(readContentType("multipart/form-data; boundary*0=a; boundary*1=b"), "ct_params");
    const boundary = `${"b'()+_,-./:=?".repeat(6)}`.slice(0, 70);
    const type = readContentType(`multipart/form-data; boundary="${boundary}"`);
    assert.ok(typeof type === "object");
    const body = `--${boundary}\r\n${ok}\r\n\r\nx\r\n--${boundary}--`;
    assert.deepEqual(read(body, { boundary: type.boundary }).values, ["part_name=a", "part:a=x"]);
  });

  suite("MP2: delimiters", () => {
    test("text before the first or after the last one is refused", () => {
      refused("multipart_boundary", `preamble\r\n${part(ok)}--bOuNd--\r\n`);
      refused("multipart_boundary", ` ${part(ok)}--bOuNd--\r\n`);
      refused("multipart_boundary", `\n${part(ok)}--bOuNd--\r\n`);
      refused("multipart_boundary", `${part(ok)}--bOuNd--\r\nepilogue`);
      refused("multipart_boundary", `${part(ok)}--bOuNd--\r\n${part(ok)}--bOuNd--\r\n`);
    });

    test("a body without the closing one is refused", () => {
      refused("multipart_cut", "");
      refused("multipart_cut", "\r\n");
      refused("multipart_cut", part(ok));
      refused("multipart_cut", `${part(ok)}--bOuNd`);
      refused("multipart_cut", `${part(ok)}--bOuNd-`);
      refused("multipart_cut", `${part(ok)}--bOuNd\r\n`);
      refused("multipart_cut", `${part(ok)}--bOuN--\r\n`);
      refused("multipart_cut", `--bOuNd\r\n${ok}`);
    });

    test("lines that end in LF alone are refused", () => {
      refused("multipart_boundary", `--bOuNd\n${ok}\n\nx\n--bOuNd--\n`);
      refused("multipart_header", `--bOuNd\r\n${ok}\n\nx\r\n--bOuNd--\r\n`);
      refused("multipart_header", `--bOuNd\r\n${ok}\r\r\n\r\nx\r\n--bOuNd--\r\n`);
      refused("multipart_header", `--bOuNd\r\n${ok}\r\n\nx\r\n--bOuNd--\r\n`);
    });

    test("a delimiter that some servers see and others do not is refused", () => {
      refused("multipart_boundary", `${part(ok, "x\n--bOuNd\r\nmore")}--bOuNd--\r\n`);
      refused("multipart_boundary", `${part(ok, "x\r--bOuNd--\r\nmore")}--bOuNd--\r\n`);
      refused("multipart_boundary", `${part(ok, "x --bOuNd--\r\nmore")}--bOuNd--\r\n`);
      refused("multipart_boundary", `${part(ok, "x\r\n---bOuNd--\r\nmore")}--bOuNd--\r\n`);
      refused("multipart_boundary", `--bOuNd\r\n${ok}\r\n\r\n--bOuNd--\r\n`); // is the empty line its CRLF?
    });

    test("one among the headers of a part is refused", () => {
      refused("multipart_boundary", `${part(`${ok}\r\n--bOuNd: x`)}--bOuNd--`);
      refused("multipart_boundary", `${part(`${ok}\r\nX: --bOuNd--`)}--bOuNd--`);
    });

    test("white space or anything else behind one is refused", () => {
      for (const after of [" \r\n", "\t\r\n", "x\r\n", "-\r\n", "-x", "\rx", "--x", "\0\r\n"])
        refused("multipart_boundary", `${part(ok)}--bOuNd${after}${ok}\r\n\r\nx\r\n--bOuNd--\r\n`);
    });

    test("a multipart in a part is refused", () => {
      for (const type of ["multipart/mixed; boundary=inner", "Multipart/Form-Data; boundary=bOuNd"])
        refused("multipart_nested", `${part(`${ok}\r\nContent-Type: ${type}`)}--bOuNd--\r\n`);
    });
  });

  suite("MP3: limits", () => {
    test("100 parts are read, 101 refused", () => {
      assert.equal(read(`${part(ok).repeat(100)}--bOuNd--`).reason, "");
      refused("multipart_parts", `${part(ok).repeat(4097)}--bOuNd--`);
    });

    test("a header block of 4 KiB is read, one byte more refused", () => {
      const block = (bytes: number): string => {
        const start = `${ok}\r\nX-Long: `;
        return `${part(start + "l".repeat(bytes - start.length - 4))}--bOuNd--`;
      };
      assert.equal(read(block(4096)).reason, "");
      refused("multipart_header", block(4097));
      refused("multipart_header", `--bOuNd\r\n${"l".repeat(10_000)}`);
    });

    test("8 headers are read, 9 refused", () => {
      const more = Array.from({ length: 7 }, (_, at) => `\r\nX-${at}: v`).join("");
      assert.equal(read(`${part(ok + more)}--bOuNd--`).reason, "");
      refused("multipart_header", `${part(`${ok}${more}\r\nX-8: v`)}--bOuNd--`);
    });

    test("a part without a name is refused", () => {
      refused("multipart_disposition", disposition(""));
      refused("multipart_disposition", disposition('; filename="a"'));
      refused("multipart_disposition", `${part("Content-Type: text/plain")}--bOuNd--`);
      refused("multipart_disposition", "--bOuNd\r\n\r\nx\r\n--bOuNd--");
      refused("multipart_disposition", `${part('Content-Disposition: attachment; name="a"')}--bOuNd--`);
      refused("multipart_cut", "--bOuNd\r\nno header\r\n--bOuNd--\r\n");
    });

    test("headers that are no header lines are refused", () => {
      for (const line of [
        " folded",
        "\tfolded",
        "name",
        ": v",
        "a b: v",
        "X : v",
        "X\0: v",
        "X: a\0b",
        "X: \x7f",
      ])
        refused("multipart_header", `${part(`${ok}\r\n${line}`)}--bOuNd--`);
      refused("multipart_header", `${part(`${ok}\r\n${ok}`)}--bOuNd--`);
      refused("multipart_header", `${part(`${ok}\r\nContent-Type: a/b\r\ncontent-type: a/b`)}--bOuNd--`);
      refused("multipart_header", `${part(`${ok}\r\nContent-Length: 1, 2`)}--bOuNd--`);
    });
  });

  suite("MP4: names and file names", () => {
    test("what two readers would read differently is refused", () => {
      for (const parameters of [
        '; name="a"; filename="a"; filename="b"',
        '; name="a"; name="b"',
        '; name="a"; NAME="b"',
        "; name='a'",
        "; name=\"a\"; filename='b.php'",
        '; name="a\\"; filename=\\"b"',
        '; name="a"; filename="b\\"c"',
        '; name="a"; filename="dir\\"',
        "; name=",
        '; name="a',
        '; name="a"b',
        '; name="a" filename="b"',
        '; name ="a"',
        '; name= "a"',
        ";; name=a",
        ", name=a",
        "; name=a b",
        "; name*=utf-8''a",
        "; name=a; filename*0=b; filename*1=c",
        "; name=a; filename*=utf-8''b; filename*=utf-8''c",
        "; name=a; filename*=utf-7''b",
        "; name=a; filename*=b",
        "; name=a; filename*=utf-8''%zz",
        "; name=a; filename*=utf-8''%0",
        "; name=a; filename*=utf-8''b%00.jpg",
        "; name=a; filename*=utf-8''b%0d%0aX:1",
        "; name=a; filename*=\"utf-8''b\"",
      ])
        refused("multipart_disposition", disposition(parameters));
    });

    test("NUL and control characters are refused", () => {
      for (const byte of ["\0", "\x01", "\x1b", "\x7f", "\x08"])
        refused("multipart_header", disposition(`; name="a"; filename="a.php${byte}.jpg"`));
    });

    test("every reading of a file name is reported", () => {
      const names = (parameters: string): readonly string[] =>
        read(disposition(`; name="a"${parameters}`)).values.filter((value) =>
          value.startsWith("part_filename"),
        );
      assert.deepEqual(names("; filename=b.txt; filename*=UTF-8'en'c%20%C3%A9.php"), [
        "part_filename:a=b.txt",
        "part_filename:a=c \xc3\xa9.php",
      ]);
      assert.deepEqual(names('; filename="shell.php "'), [
        "part_filename:a=shell.php ",
        "part_filename:a=shell.php",
      ]);
      assert.deepEqual(names('; filename="C:\\a\\.\\./b"'), [
        "part_filename:a=C:\\a\\.\\./b",
        "part_filename:a=C:a../b",
      ]);
      assert.deepEqual(names('; filename="a%22b.png"'), ["part_filename:a=a%22b.png"]);
    });
  });

  suite("MP5: charsets and encodings", () => {
    const typed = (type: string): string => part(`${ok}\r\nContent-Type: ${type}`);

    test("every part's charset is checked, whichever part it is (CVE-2026-21876)", () => {
      const good = typed("text/plain; charset=utf-8");
      for (const charset of [
        "utf-7",
        "UTF-16",
        "utf-16le",
        "utf-32",
        "ibm037",
        "cp500",
        "shift-jis",
        "euc-jp",
        "x",
      ]) {
        const bad = typed(`text/plain; charset=${charset}`);
        for (const body of [bad, bad + good, good + bad, good + bad + good])
          refused("multipart_charset", `${body}--bOuNd--`);
      }
      refused("multipart_charset", `${typed("text/plain; CHARSET=UTF-7")}--bOuNd--`);
      refused("multipart_charset", `${typed('text/html; a=b; charset="utf-7"; boundary=c')}--bOuNd--`);
      refused("multipart_charset", `${typed("text/plain; charset=utf-8; charset=utf-8")}--bOuNd--`);
      refused("multipart_type", `${typed("text/plain;  charset  =  utf-7")}--bOuNd--`);
      refused("multipart_type", `${typed("text/plain; charset*=utf-8''utf-7")}--bOuNd--`);
    });

    test("a type that is none is refused", () => {
      for (const type of [
        "",
        "text",
        "text/",
        "/plain",
        "text/plain/x",
        "text/plain, text/html",
        "text plain/x",
      ])
        refused("multipart_type", `${typed(type)}--bOuNd--`);
    });

    test("a _charset_ field that names another charset is refused", () => {
      const field = (charset: string): string =>
        `${part('Content-Disposition: form-data; name="_charset_"', charset)}--bOuNd--`;
      assert.equal(read(field("UTF-8")).reason, "");
      assert.equal(read(field("windows-1252")).reason, "");
      assert.equal(read(field("")).reason, "");
      for (const charset of ["utf-7", "UTF-16BE", "utf-8\r\n", "utf-8 ", "ibm037"])
        refused("multipart_charset", field(charset));
    });

    test("transfer encodings that change the content are refused", () => {
      const encoded = (value: string): string =>
        `${part(`${ok}\r\nContent-Transfer-Encoding: ${value}`)}--bOuNd--`;
      for (const value of [
        "base64",
        "BASE64",
        "quoted-printable",
        "x-uuencode",
        "",
        "8bit, base64",
        "binary; x",
      ])
        refused("multipart_encoding", encoded(value));
      for (const value of ["7bit", "8bit", "Binary"]) assert.equal(read(encoded(value)).reason, "");
      refused("multipart_encoding", `${part(`${ok}\r\nContent-Encoding: gzip`)}--bOuNd--`);
    });
  });

  suite("MP6: contents in a type of their own", () => {
    test("go to the reader of that type, whole and once", () => {
      const content = "abcdefghijklmnopqrstuvwxyz";
      const seen: string[] = [];
      const asked: PartFacts[] = [];
      const readerOf = (facts: PartFacts): PartReader | undefined => {
        asked.push(facts);
        if (facts.mediaType !== "application/json") return undefined;
        return {
          write: (bytes, start, end) => void seen.push(Buffer.from(bytes.subarray(start, end)).toString()),
          end: () => void seen.push("end"),
        };
      };
      const body =
        part(`${ok}\r\nContent-Type: Application/JSON; charset=utf-8`, content) +
        part('Content-Disposition: form-data; name="f"; filename="n.txt"', "bytes") +
        "--bOuNd--";
      const { reason, values } = read(body, { readerOf, limits: { pieceBytes: 10, overlapBytes: 3 } });
      assert.equal(reason, "");
      assert.deepEqual(asked, [
        { name: "a", mediaType: "application/json", isFile: false },
        { name: "f", mediaType: "", isFile: true },
      ]);
      assert.equal(seen.join(""), `${content}end`);
      assert.ok(!values.some((value) => value.startsWith("part:")));
      assert.ok(values.includes("body_bytes:f=bytes"));
    });

    test("are refused when that reader refuses them", () => {
      const body = `${part(`${ok}\r\nContent-Type: application/json`, "{bad")}--bOuNd--`;
      const always = (): string => "json_syntax";
      refused("multipart_content", body, { readerOf: () => ({ write: always, end: always }) });
      refused("multipart_content", body, { readerOf: () => ({ write: () => undefined, end: always }) });
    });
  });

  test("MP7: line ends in a file name are refused, paths in one are reported", () => {
    refused("multipart_disposition", disposition('; name="a"; filename="a\r\nX-Evil: 1.txt"'));
    refused("multipart_header", disposition('; name="a"; filename="a\nb"'));
    const { values } = read(disposition('; name="a"; filename="../../etc/passwd"'));
    assert.ok(values.includes("part_filename:a=../../etc/passwd"));
  });

  test("nothing throws, whatever comes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        assert.notEqual(read(bytes).reason, undefined);
        read(Buffer.concat([Buffer.from("--bOuNd\r\n"), bytes, Buffer.from("\r\n--bOuNd--")]));
      }),
      { numRuns: 500 },
    );
  });
});
