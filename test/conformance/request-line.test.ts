import { requestLineCases } from "./request-line.cases.ts";
import { runCases } from "./run.ts";

runCases("request lines get the listed outcome", requestLineCases, 77);
