import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { serialized } from "../../../src/waf/detect/serialized.ts";
import type { Detection } from "../../../src/waf/detection.ts";

/** Kinds that are reported, and only where a trigger occurs. */
function kindsOf(text: string): string[] {
  const lower = text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
  const found: Detection[] = [];
  serialized.detect({ text, lower }, found);
  if (found.length > 0)
    assert.ok(
      serialized.triggers.some((trigger) => lower.includes(trigger)),
      text,
    );
  return found.map(({ kind }) => kind);
}

/** A pickle of version 4, with the frame that its writers make. */
function framed(code: string): string {
  const frame = Buffer.alloc(8);
  frame.writeUInt32LE(code.length);
  return Buffer.concat([Buffer.from([0x80, 4, 0x95]), frame, Buffer.from(code, "latin1")]).toString("base64");
}

const short = (text: string): string => `\x8c${String.fromCharCode(text.length)}${text}`;
const reduce = (module: string, name: string): string =>
  `${short(module)}\x94${short(name)}\x94\x93\x94${short("x")}\x94\x85\x94R\x94.`;

test("a pickle that calls a function of the system is found in every version, raw and in base64", () => {
  for (const [module, name] of [
    ["posix", "system"],
    ["os", "popen"],
    ["subprocess", "Popen"],
    ["builtins", "eval"],
  ] as const) {
    const lines = `c${module}\n${name}\n`;
    for (const pickle of [
      `${lines}(S'x'\ntR.`,
      `${lines}p0\n(Vx\np1\ntp2\nRp3\n.`,
      `(S'x'\ni${module}\n${name}\n.`,
      Buffer.from(`\x80\x02${lines}q\x00X\x01\x00\x00\x00xq\x01\x85q\x02Rq\x03.`, "latin1").toString(
        "base64",
      ),
      Buffer.from(`\x80\x03}q\x00X\x01\x00\x00\x00kq\x01${lines}q\x02)Rs.`, "latin1").toString("base64url"),
      framed(reduce(module, name)),
      reduce(module, name),
      framed(`}${short("k")}\x94${reduce(module, name)}`),
    ])
      assert.deepEqual(kindsOf(pickle), ["python.pickle"], JSON.stringify(pickle));
  }
});

test("pickles of data pass, whatever words are in them, and so do lists of words", () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom("os", "posix", "system", "eval", "user", "Ann")), (words) => {
      const data = words.map((word) => `${short(word)}\x94`).join("");
      assert.deepEqual(kindsOf(framed(`(${data}l.`)), []);
    }),
  );
  assert.deepEqual(kindsOf(framed(reduce("datetime", "datetime"))), []);
  assert.deepEqual(kindsOf(framed(reduce("builtins", "set"))), []);
  assert.deepEqual(kindsOf("sin\ncos\nsystem\nof equations"), []);
  assert.deepEqual(kindsOf("cos\nsystem\n"), []);
});

test("a .NET stream of types that run code is found in base64 and hex, a saved game is not", () => {
  const streamOf = (assembly: string): Buffer =>
    Buffer.concat([
      Buffer.from("0001000000ffffffff01000000000000000c02000000", "hex"),
      Buffer.from(`${String.fromCharCode(assembly.length)}${assembly}`, "latin1"),
    ]);
  const attack = streamOf("Microsoft.PowerShell.Editor, Version=3.0.0.0");
  assert.deepEqual(kindsOf(attack.toString("base64")), ["dotnet.serialized_object"]);
  assert.deepEqual(kindsOf(attack.toString("base64url")), ["dotnet.serialized_object"]);
  assert.deepEqual(kindsOf(`state=${attack.toString("hex")}`), ["dotnet.serialized_object"]);
  assert.deepEqual(kindsOf(`iVBOR${attack.toString("base64")}`), []);
  assert.deepEqual(kindsOf(streamOf("Assembly-CSharp, Version=0.0.0.0").toString("base64")), []);
});

test("a .NET type whose creation runs code is found with its assembly, not in prose, code and traces", () => {
  for (const text of [
    "System.Windows.Data.ObjectDataProvider, PresentationFramework",
    '{"$type":"System.Configuration.Install.AssemblyInstaller, System.Configuration.Install, Version=4.0.0.0"}',
    '<r type="System.Data.Services.Internal.ExpandedWrapper`2[[System.Windows.Markup.XamlReader, PresentationFramework, Version=4.0.0.0]]">',
  ])
    assert.deepEqual(kindsOf(text), ["dotnet.gadget_type"], text);
  for (const text of [
    "System.Windows.Data.ObjectDataProvider",
    "we need System.Diagnostics.Process, System.IO and System.Net.Http here",
    "at System.Diagnostics.Process.Start(ProcessStartInfo info) in System, line 4",
    '{"$type":"Shop.Orders.Order, Shop.Orders"}',
    "System.IO.FileNotFoundException: Could not load 'System.Runtime, Version=4.2.2.0, Culture=neutral'",
  ])
    assert.deepEqual(kindsOf(text), [], text);
});
