import { framingCases } from "./framing.cases.ts";
import { runCases } from "./run.ts";

runCases("message framing get the listed outcome", framingCases, 60);
