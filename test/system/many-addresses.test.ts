import assert from "node:assert/strict";
import { test } from "node:test";
import { startGateway } from "../support/gateway.ts";
import { ask, connect } from "../support/raw-client.ts";
import { longForm } from "../support/shared.ts";
import { systemConfig } from "./config.ts";

/** A minute for 200,000: not in CI. */
const count = longForm ? 200_000 : 8000;
const keysMax = 1000;
const batch = 500;

test(`${count} random addresses are limited within the memory of ${keysMax}, and the one over its limit stays so`, async (t) => {
  const server = `trusted_proxies = ["127.0.0.1"]\nlimits = ["client"]\nkeepalive_requests = 1000000000`;
  const limit = `[limit.client]\nrate = 2\nwindow_secs = 3600\nmax_keys = ${keysMax}`;
  // Nobody listens there: what has no route needs no upstream, and is counted all the same.
  const text = systemConfig(1, { server, route: `methods = ["PUT"]\n${limit}` }).replace(
    "workers = 2",
    "workers = 1",
  );
  const gateway = await startGateway(t, text);
  const [worker] = gateway.workers();
  const get = (address: string) => `GET / HTTP/1.1\r\nHost: a.test\r\nX-Forwarded-For: ${address}\r\n\r\n`;
  const flooder = get("192.0.2.1");
  for (const status of [405, 405, 429]) assert.equal((await ask(gateway.port, flooder)).status, status);

  const random = () => {
    const bytes = crypto.getRandomValues(new Uint8Array(3));
    return `10.${bytes.join(".")}`;
  };
  const client = await connect(gateway.port, { deadlineMs: 200_000 });
  t.after(() => client.destroy());
  const send = async (requests: number) => {
    const statuses = new Map<number, number>();
    for (let sent = 0; sent < requests; sent += batch) {
      client.send(Array.from({ length: batch }, () => get(random())).join("") + flooder);
      for (let answers = 0; answers < batch; answers++) {
        const { status } = (await client.answer())!;
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
      }
      assert.equal((await client.answer())?.status, 429);
    }
    return statuses;
  };
  await send(count / 4);
  const before = gateway.rss(worker!);
  const statuses = await send(count);
  const grownMb = (gateway.rss(worker!) - before) / 2 ** 20;
  // Newcomers are not locked out by those before them; a few of the random addresses came more than twice.
  assert.ok((statuses.get(405) ?? 0) > count * 0.99, `${[...statuses]}`);
  assert.ok(grownMb < 32, `${grownMb} MiB`);
});
