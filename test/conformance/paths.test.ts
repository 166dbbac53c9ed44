import { type Case, get } from "./case.ts";
import { pathCases } from "./path-cases.ts";
import { runCases } from "./run.ts";

// The path cases once more, on the wire: what the origin gets is the canonical form, or nothing.

/** Other bytes end the target or are refused before the path is read. */
const onTheWire = /^[!-~\x80-\xff]+$/;

const cases: readonly Case[] = pathCases
  .filter(
    ({ encode, path }) =>
      encode !== true && path.startsWith("/") && onTheWire.test(path) && path.length < 8000,
  )
  .map(
    ({ id, path, canonical, reason }): Case =>
      reason === undefined
        ? { id, bytes: get(path), line: `GET ${canonical} HTTP/1.1` }
        : { id, bytes: get(path), refused: 400, reason },
  );

runCases("paths get the listed outcome", cases, 100);
