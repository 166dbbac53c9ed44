import { fieldCases } from "./fields.cases.ts";
import { runCases } from "./run.ts";

runCases("fields get the listed outcome", fieldCases, 130);
