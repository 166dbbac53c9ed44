import { chunkedCases } from "./chunked.cases.ts";
import { runCases } from "./run.ts";

runCases("chunked bodies get the listed outcome", chunkedCases, 45);
