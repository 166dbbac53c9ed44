// Entry file of a worker process; worker-link.ts forks it.
import { openEdge } from "./data-plane.ts";
import { runWorkerProcess } from "./worker.ts";

runWorkerProcess(openEdge);
