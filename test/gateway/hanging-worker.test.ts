import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import type { LostRecord } from '../../src/core/record.ts';
import { originForTests } from './origin-for-tests.ts';
import { hangs, runInWorker } from './run-in-workers.ts';
import { requestText, startFromYaml, until, type YamlGateway } from './start-from-yaml.ts';

// The exchanges of a worker that hangs when its time to end expires.

const origin = originForTests('ok');
let edge: YamlGateway;
afterEach(() => edge.stop());

const configuration = (changes = ''): string =>
  `workers: ${changes === '' ? 1 : changes}\nupstreams: { app: { endpoints: "${origin.address}", check: none } }
drain: { timeout: 800ms, lame_duck: 1ms }\nlog: { path: ./exchange.log }`;

async function lostRecords(): Promise<LostRecord[]> {
  const text = await readFile(join(edge.folder, 'exchange.log'), 'utf8');
  const lines = text.split('\n').filter((line) => line !== '');
  return lines.map((line) => JSON.parse(line) as LostRecord).filter(({ kind }) => kind === 'lost');
}

const hang = (): Promise<void> => runInWorker(1, hangs);

// Expires before the three seconds without an answer after which any worker counts as lost.
const endings: readonly (readonly [what: string, end: () => Promise<unknown>])[] = [
  [
    'of a gateway that stops',
    async () => {
      await hang();
      await edge.gateway.stop('the test says so');
    },
  ],
  [
    'that is retired',
    async () => {
      assert.equal((await edge.reload(configuration('{ count: 1, memory_max: 300MiB }'))).ok, true);
      await hang();
    },
  ],
];
for (const [what, end] of endings) {
  test(`exchanges of a hanging worker ${what} are counted, reported and recorded as lost`, async () => {
    edge = await startFromYaml(configuration());
    origin.answer = () => null;
    const before = origin.requests.length;
    const held = [edge.connect(), edge.connect()];
    for (const client of held) client.write(requestText('GET', '/held'));
    await until('the requests are in flight', () => origin.requests.length === before + 2);
    await end();
    await until('the loss is reported', () => edge.eventsOf('worker_lost').length === 1);
    const { evidence } = edge.eventsOf('worker_lost')[0] ?? assert.fail();
    assert.equal(evidence.exchangesLost, 2);
    // A worker that hangs does neither; on a busy machine the missing answer may be noticed first.
    assert.ok(['it did not end in time', 'it has not answered for 3 s'].includes(evidence.reason));
    assert.equal(edge.gateway.counts().workersLost, 1);
    assert.deepEqual(edge.eventsOf('worker_retired'), []);
    await until('the loss is in the log', async () => (await lostRecords()).length === 1);
    assert.equal((await lostRecords())[0]?.exchanges, 2);
    for (const client of held) client.close();
  });
}
