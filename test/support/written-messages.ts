import type { TestContext } from "node:test";
import { DirectWrite } from "../../src/std/direct-write.ts";

/** What the gateway of this process writes past its streams, from now on. */
export function watchWrites(t: TestContext): string[] {
  const messages: string[] = [];
  const { write } = DirectWrite.prototype;
  t.mock.method(
    DirectWrite.prototype,
    "write",
    function (this: DirectWrite, ...told: Parameters<typeof write>) {
      messages.push(told[1].latin1Slice());
      return write.apply(this, told);
    },
  );
  return messages;
}
