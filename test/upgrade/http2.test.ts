// Only `npm run test:complete` runs this file: it upgrades under load over HTTP/2. `npm test` has `upgrade.test.ts`, and drains
// of HTTP/2 in `test/gateway/http2-drain.test.ts`.
// Starts processes: an upgrade replaces a process.

import assert from 'node:assert/strict';
import { setTimeout as passTime } from 'node:timers/promises';
import { afterEach, describe, test } from 'node:test';
import { freePort } from '../free-port.ts';
import { Http2Load } from '../http2/http2-load.ts';
import { GatewayProgram } from './gateway-program.ts';

// Upgrades while clients have many streams on few connections: each stream that the gateway has taken gets its whole response.

const skip = process.platform === 'linux' ? false : 'processes are identified through /proc';

let gateway: GatewayProgram;
let loads: Http2Load[] = [];

afterEach(async () => {
  await Promise.all(loads.map((load) => load.stop()));
  loads = [];
  await gateway.end();
});

async function start(): Promise<() => string> {
  const port = await freePort();
  gateway = new GatewayProgram(`workers: 2\nlisteners: { http: { bind: '127.0.0.1:${port}', http2: true } }\n`);
  await gateway.serves();
  return () => `http://127.0.0.1:${port}`;
}

describe('streams of HTTP/2', { skip, timeout: 180_000 }, () => {
  test('are not lost by two upgrades under load', async () => {
    const origin = await start();
    const small = new Http2Load(origin);
    // 40 kB over two seconds: in flight at each change.
    const slow = new Http2Load(origin, '/download', 2, 4);
    loads = [small, slow];
    const more = async (count: number): Promise<void> => {
      const wanted = small.answered + count;
      await gateway.until(async () => small.answered >= wanted);
    };
    await more(100);
    for (let turn = 0; turn < 2; turn++) {
      const { lines } = await gateway.upgrade();
      assert.equal(lines.at(-1)?.outcome, 'done', JSON.stringify(lines.at(-1)));
      await more(100);
      await passTime(500);
    }
    const ofSmall = await small.stop();
    const ofSlow = await slow.stop();
    assert.deepEqual([ofSmall.failed, ofSlow.failed], [[], []]);
    assert.ok(ofSlow.answered >= 8, `${ofSlow.answered} downloads`);
    assert.ok(ofSmall.goAways >= 4, `${ofSmall.goAways} GOAWAY`);
    const kinds = gateway.events().map(({ kind }) => kind);
    assert.ok(!kinds.includes('worker_lost'), kinds.join());
  });
});
