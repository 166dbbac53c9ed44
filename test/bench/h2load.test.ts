import assert from "node:assert/strict";
import { test } from "node:test";
import { parseH2load } from "../../bench/load/h2load.ts";

const output = `starting benchmark...
spawning thread #0: 16 total client(s). Timing-based test with 0s of warm-up time and 1s of main duration for measurements.
TLS Protocol: TLSv1.3
Application protocol: h2

finished in 1.00s, 4200.00 req/s, 1.21MB/s
requests: 4203 total, 4331 started, 4203 done, 4200 succeeded, 3 failed, 0 errored, 0 timeout
status codes: 4200 2xx, 0 3xx, 2 4xx, 1 5xx
traffic: 1.21MB (1268000) total, 312.00KB (319488) headers (space savings 51.20%), 615.23KB (630000) data
                     min         max         mean         sd        +/- sd
time for request:      802us     80.10ms     30.11ms      9.20ms    71.32%
`;
const log = "1732270000000001\t200\t1500\n1732270000000002\t503\t9\n1732270000000003\t200\t2500\n";

test("reads h2load's summary, and times from its log", () => {
  assert.deepEqual(parseH2load(output, log), {
    requests: 4200,
    seconds: 1,
    bytes: 630_000,
    p50Ms: 2.5,
    p99Ms: 2.5,
    p999Ms: 2.5,
    socketErrors: 0,
    statusErrors: 3,
  });
  assert.equal(parseH2load(output.replace("finished in 1.00s", "finished in 980ms"), log)?.seconds, 0.98);
});

test("no figures from an h2load that did not finish", () => {
  assert.equal(parseH2load("unable to connect\n", ""), undefined);
  assert.equal(parseH2load(output.slice(0, output.indexOf("traffic")), log), undefined);
});
