import { BODY_NONE } from "../http/request.ts";
import { ResponseHead, readResponseHead } from "../http/response-head.ts";
import type { Files } from "../respond/static/file-shelf.ts";
import type { AnswerSink } from "../upstream/answer-sink.ts";
import type { Carrier } from "../upstream/carrier.ts";

/**
 * Stands where a connection to an endpoint would: takes the whole request, sends nothing to anybody, and answers an empty
 * 200. What was taken to its end would have been forwarded whole.
 */
export function standIn(): Carrier {
  let exchange: AnswerSink | undefined;
  function answer(): void {
    queueMicrotask(() => {
      const sink = exchange;
      exchange = undefined;
      if (sink === undefined) return;
      const head = new ResponseHead();
      readResponseHead(ANSWER, 0, ANSWER.length, false, head);
      sink.onAnswerHead(head);
      sink.onAnswerEnd(true);
    });
  }
  return {
    begin(sink) {
      exchange = sink;
      if (sink.request.bodyKind === BODY_NONE) answer();
      else sink.startRequestBody();
    },
    sendBody: () => true,
    endBody: answer,
    resume() {},
    unhurry() {},
    abandon() {
      exchange = undefined;
    },
    discard() {
      exchange = undefined;
    },
  };
}

/** The same for routes that serve files: nobody looks which there are. */
export const standInFiles: Files = {
  answer(owner) {
    let isWanted = true;
    return {
      resume() {
        queueMicrotask(() => {
          if (!isWanted) return;
          isWanted = false;
          const head = new ResponseHead();
          readResponseHead(ANSWER, 0, ANSWER.length, false, head);
          owner.onSourceHead(head);
          owner.onAnswerEnd(true);
        });
      },
      close() {
        isWanted = false;
      },
    };
  },
};

const ANSWER = Buffer.from("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "latin1");
