import fs from "node:fs";
import { type ByteSpan, readRanges } from "../../http/byte-range.ts";
import { checkConditions, isRangeMeant } from "../../http/conditional.ts";
import { F } from "../../http/field.ts";
import { contentRange, multipartRanges } from "../../http/multipart-ranges.ts";
import { type CanonicalRequest, HEAD } from "../../http/request.ts";
import { type ResponseHead, readResponseHead } from "../../http/response-head.ts";
import { type Reason, reasons } from "../../reason.ts";
import type { AnswerSource, SourceOwner } from "../source.ts";
import { type Choice, chooseFile, type NoFile, type ToDirectory } from "./choice.ts";
import { bodyLines, printHead, typeLine, versionLines, versionOf } from "./file-head.ts";
import { pathOf, toDirectory } from "./file-request.ts";
import { type FileShelf, READ_BYTES, type Refused, type Shelved } from "./file-shelf.ts";
import { fileReason, type OpenedFile } from "./open-file.ts";
import type { StaticSite } from "./static-site.ts";

/** The exchange, as the answer from a file sees it. */
export interface FileAnswerOwner extends SourceOwner {
  /** `head` is valid during the call only. */
  onSourceHead(head: ResponseHead): void;
  /** There is no answer, or no more of it. Nothing is called any more. */
  onSourceFault(reason: Reason, detail: string): void;
  /** A bug of ours came up outside of a call from the client's side. */
  onDefect(cause: unknown): void;
}

/**
 * One answer from a file: which one, whether the client has it already, which bytes it wants, and these. Out of memory, or
 * read in pieces of 64 KiB, one at a time, as fast as the client takes them.
 */
export class FileAnswer implements AnswerSource {
  readonly #owner: FileAnswerOwner;
  readonly #site: StaticSite;
  readonly #request: CanonicalRequest;
  readonly #shelf: FileShelf;
  #begun = false;
  #isSecondTry = false;
  #closed = false;
  /** What is still to be sent: texts of ours, and spans of the file. Undefined = there is no head yet. */
  #parts: readonly (Buffer | ByteSpan)[] | undefined = undefined;
  #part = 0;
  /** Sent of this part. */
  #sentBytes = 0;
  #file: Shelved | undefined = undefined;
  /** -1 = the file is in memory. */
  #descriptor = -1;
  #reading = false;

  constructor(owner: FileAnswerOwner, site: StaticSite, request: CanonicalRequest, shelf: FileShelf) {
    this.#owner = owner;
    this.#site = site;
    this.#request = request;
    this.#shelf = shelf;
  }

  resume(): void {
    if (this.#begun) {
      if (this.#parts !== undefined && !this.#reading) this.#send();
      return;
    }
    this.#begun = true;
    this.#choose();
  }

  close(): void {
    this.#closed = true;
    if (this.#file !== undefined) this.#shelf.release(this.#file);
    this.#file = undefined;
    // While a read is under way the number must not become another file's.
    if (this.#descriptor >= 0 && !this.#reading) this.#shelf.close(this.#descriptor);
    if (!this.#reading) this.#descriptor = -1;
  }

  // --- which file

  #choose(): void {
    const choosing = chooseFile(this.#site, pathOf(this.#request), this.#request);
    let step = choosing.next();
    while (step.done !== true) {
      const found = this.#shelf.find(this.#site.directory, step.value);
      if (found instanceof Promise) {
        this.#later(this.#chooseOn(choosing, found));
        return;
      }
      step = choosing.next(found);
    }
    this.#answer(step.value);
  }

  async #chooseOn(choosing: ReturnType<typeof chooseFile>, first: Promise<Shelved>): Promise<void> {
    let found = await first;
    for (;;) {
      // The request is another one's by now.
      if (this.#closed) return;
      const step = choosing.next(found);
      if (step.done === true) {
        this.#answer(step.value);
        return;
      }
      found = await this.#shelf.find(this.#site.directory, step.value);
    }
  }

  #later(work: Promise<void>): void {
    work.catch((cause: unknown) => {
      if (!this.#closed) this.#owner.onDefect(cause);
    });
  }

  // --- what of it

  #answer(choice: Choice | ToDirectory | NoFile): void {
    if (choice.kind === "none") {
      this.#fail(choice.reason, choice.detail);
      return;
    }
    if (choice.kind === "directory") {
      this.#sendHead(printHead(301, toDirectory(this.#request), 0), []);
      return;
    }
    const { file } = choice;
    const nowSecs = Math.floor(this.#shelf.clock.wallMs() / 1000);
    if (isPlain(this.#request)) {
      this.#sendFile(choice, this.#plainHead(choice, nowSecs), [{ start: 0, end: file.size }]);
      return;
    }
    const version = versionOf(choice, nowSecs);
    const condition = checkConditions(this.#request, version, nowSecs);
    if (condition === "not_modified") {
      this.#sendHead(printHead(304, versionLines(choice, this.#site, version), undefined), []);
      return;
    }
    if (condition === "failed") {
      this.#sendHead(printHead(412, "", 0), []);
      return;
    }
    const spans = isRangeMeant(this.#request, version, nowSecs)
      ? readRanges(this.#request.fieldText(F.range)!, file.size)
      : "whole";
    const lines = bodyLines(choice, this.#site, version);
    const type = typeLine(choice);
    if (spans === "whole")
      this.#sendFile(choice, this.#plainHead(choice, nowSecs), [{ start: 0, end: file.size }]);
    else if (spans === "none")
      this.#sendHead(printHead(416, `Content-Range: bytes */${file.size}\r\n`, 0), []);
    else if (spans.length === 1) {
      const { start, end } = spans[0]!;
      const head = printHead(206, `${type}${contentRange(spans[0]!, file.size)}${lines}`, end - start);
      this.#sendFile(choice, head, spans);
    } else {
      const body = multipartRanges(spans, type, file.size);
      this.#sendFile(choice, printHead(206, body.typeLine + lines, body.length), body.parts);
    }
  }

  /** Printed once for as long as the file stays as it is: most requests of a site get it. */
  #plainHead(choice: Choice, nowSecs: number): Buffer {
    const { file, coding = "", isFallback } = choice;
    const kind = isFallback ? `${coding} ` : coding;
    if (file.head === undefined || file.headOf !== this.#site || file.headKind !== kind) {
      const lines = typeLine(choice) + bodyLines(choice, this.#site, versionOf(choice, nowSecs));
      file.head = printHead(200, lines, file.size);
      file.headOf = this.#site;
      // A coded file that is asked for by its own name has another type.
      file.headKind = kind;
    }
    return file.head;
  }

  /** The head is about the very file that its bytes are read from. */
  #sendFile(choice: Choice, head: Buffer, parts: readonly (Buffer | ByteSpan)[]): void {
    const { file } = choice;
    if (this.#request.method === HEAD || file.size === 0) this.#sendHead(head, []);
    else if (file.bytes !== undefined) {
      file.users++;
      this.#file = file;
      this.#sendHead(head, parts);
    } else this.#later(this.#openAndSend(choice, head, parts));
  }

  async #openAndSend(
    { file, relative }: Choice,
    head: Buffer,
    parts: readonly (Buffer | ByteSpan)[],
  ): Promise<void> {
    let opened: OpenedFile;
    try {
      opened = await this.#shelf.openAt(this.#site.directory, relative);
    } catch (error) {
      const { reason, detail } = error as Refused;
      this.#fail(reason, detail);
      return;
    }
    if (this.#closed) {
      this.#shelf.close(opened.descriptor);
      return;
    }
    if (opened.version === file.version) {
      this.#descriptor = opened.descriptor;
      this.#sendHead(head, parts);
      return;
    }
    // Replaced since it was looked at, less than a second ago.
    this.#shelf.close(opened.descriptor);
    this.#shelf.forget(this.#site.directory, relative);
    if (this.#isSecondTry) this.#fail(reasons.fileChanged, "before it was sent");
    else {
      this.#isSecondTry = true;
      this.#choose();
    }
  }

  #sendHead(bytes: Buffer, parts: readonly (Buffer | ByteSpan)[]): void {
    const { head } = this.#shelf;
    const isHead = this.#request.method === HEAD;
    if (readResponseHead(bytes, 0, bytes.length, isHead, head) <= 0)
      throw new Error(`the head of a file cannot be read: ${head.fault}`);
    this.#parts = parts;
    this.#owner.onSourceHead(head);
    if (!this.#closed) this.#send();
  }

  #fail(reason: Reason, detail: string): void {
    if (this.#closed) return;
    this.close();
    this.#owner.onSourceFault(reason, detail);
  }

  // --- the bytes

  #send(): void {
    const parts = this.#parts!;
    let wantsMore = true;
    while (wantsMore && this.#part < parts.length) {
      const part = parts[this.#part]!;
      if (Buffer.isBuffer(part)) wantsMore = this.#pass(part, 0, part.length);
      else if (this.#file === undefined) {
        // What is gathered goes now: until the bytes are read, others use the same buffer (std/outbox.ts).
        this.#owner.onAnswerFlush();
        if (!this.#closed) this.#read(part);
        return;
      } else wantsMore = this.#pass(this.#file.bytes!, part.start, part.end);
      if (this.#closed) return;
    }
    this.#owner.onAnswerFlush();
    if (this.#part === parts.length && !this.#closed) {
      this.close();
      this.#owner.onAnswerEnd(false);
    }
  }

  /** Sends the next piece of a part that is in memory at `[start, end)`. */
  #pass(bytes: Buffer, start: number, end: number): boolean {
    const from = start + this.#sentBytes;
    const to = Math.min(from + READ_BYTES, end);
    this.#sent(to - from, to === end);
    const wantsMore = this.#owner.onAnswerBody(bytes, from, to);
    // A buffer full: what is gathered behind one that waits would cost a second one.
    return to - from < READ_BYTES || this.#closed ? wantsMore : this.#owner.onAnswerFlush() && wantsMore;
  }

  #sent(count: number, isLast: boolean): void {
    this.#sentBytes = isLast ? 0 : this.#sentBytes + count;
    if (isLast) this.#part++;
  }

  #read({ start, end }: ByteSpan): void {
    const from = start + this.#sentBytes;
    const buffer = this.#shelf.takeBuffer();
    this.#reading = true;
    fs.read(this.#descriptor, buffer, 0, Math.min(READ_BYTES, end - from), from, (error, count) => {
      this.#reading = false;
      try {
        if (this.#closed) this.close();
        else if (error !== null) this.#fail(fileReason(error).reason, error.code ?? "");
        // Shorter than its head said: what was sent must not look complete.
        else if (count === 0) this.#fail(reasons.fileChanged, "shorter than it was");
        else {
          this.#sent(count, from + count === end);
          const wantsMore = this.#owner.onAnswerBody(buffer, 0, count);
          const flushed = this.#owner.onAnswerFlush();
          if (!this.#closed && ((wantsMore && flushed) || this.#part === this.#parts!.length)) this.#send();
        }
      } catch (cause) {
        this.#owner.onDefect(cause);
      }
      this.#shelf.giveBuffer(buffer);
    });
  }
}

/** Nothing to be looked at but the path. */
function isPlain({ firstField }: CanonicalRequest): boolean {
  return (
    firstField[F.range]! < 0 &&
    firstField[F.ifNoneMatch]! < 0 &&
    firstField[F.ifModifiedSince]! < 0 &&
    firstField[F.ifMatch]! < 0 &&
    firstField[F.ifUnmodifiedSince]! < 0
  );
}
