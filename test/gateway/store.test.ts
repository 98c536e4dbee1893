import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { Agent, type IncomingMessage, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import type { StoredExchange } from '../../src/core/store-messages.ts';
import { RawOrigin, ok } from './raw-origin.ts';
import { runInWorkers } from './run-in-workers.ts';
import { startFromYaml, until, type YamlGateway } from './start-from-yaml.ts';

// Exchanges are stored, and found by queries and by their id.

let origin: RawOrigin;
let edge: YamlGateway;
beforeEach(async () => {
  origin = await RawOrigin.start(() => ok('here'));
});
afterEach(async () => {
  await edge.stop();
  await origin.close();
});

const start = async (store: string): Promise<void> => {
  edge = await startFromYaml(
    `upstreams:
  app: { endpoints: "${origin.address}", check: none }
  gone: { endpoints: "127.0.0.1:1", check: none, connections: { retry_delay: none } }
routes: [{ path: /gone, to: gone }, { to: app }]
store: ${store}`.replace(', connections: { retry_delay: none }', ''),
  );
};

const found = async (query: string): Promise<readonly StoredExchange[]> => {
  const result = await edge.gateway.searchExchanges({ query, limit: 100, cursor: null, after: null });
  assert.equal(result.kind, 'page', JSON.stringify(result));
  return result.kind === 'page' ? result.exchanges : [];
};
const paths = async (query: string): Promise<string[]> => (await found(query)).map(({ record }) => record.path);

test('a search finds failures and successes that have just ended, by status, route, cause and words', async () => {
  await start('{ path: ./store }');
  assert.equal((await edge.get('/products/77?page=2')).status, 200);
  assert.equal((await edge.get('/gone/orders')).status, 502);
  await until('both are stored', async () => (await found('')).length === 2);
  assert.deepEqual(await paths(''), ['/gone/orders', '/products/77']);
  assert.deepEqual(await paths('status:5xx'), ['/gone/orders']);
  assert.deepEqual(await paths('upstream:app'), ['/products/77']);
  assert.deepEqual(await paths('cause:connect_refused since:1h'), ['/gone/orders']);
  assert.deepEqual(await paths('products -status:5xx'), ['/products/77']);
  assert.deepEqual(await paths('until:10m'), []);
});

test('the record of a stored exchange is the record of the log, and a search by id finds it', async () => {
  await start('{ path: ./store }');
  await edge.get('/gone/orders?token=abc');
  await until('it is stored', async () => (await found('')).length === 1);
  const [stored] = await found('');
  const id = stored?.record.id ?? '';
  assert.deepEqual(stored?.record, await edge.gateway.findExchange(id));
  assert.deepEqual(await paths(`id:${id}`), ['/gone/orders']);
});

test('events are stored too: a later process finds those of an earlier one by time', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'candor-store-events-'));
  try {
    const began = Date.now();
    await start(`{ path: ${folder} }`);
    const { epoch } = edge.gateway.events;
    await edge.stop();
    const between = Date.now();
    await start(`{ path: ${folder} }`);
    const kindsOf = async (since: number | null, until: number | null): Promise<string[]> => {
      const result = await edge.gateway.searchEvents({ since, until, limit: 1000, cursor: null });
      assert.ok(result.kind === 'page', JSON.stringify(result));
      return result.events.map((event) => `${event.epoch === epoch ? 'earlier' : 'later'} ${event.kind}`);
    };
    await until('the later start is stored', async () =>
      (await kindsOf(between, null)).includes('later configuration_applied'),
    );
    const earlier = await kindsOf(began, between);
    assert.ok(
      earlier.every((kind) => kind.startsWith('earlier')),
      earlier.join(),
    );
    for (const kind of ['process_started', 'configuration_applied', 'process_stopping'])
      assert.equal(earlier.filter((one) => one === `earlier ${kind}`).length, 1, `${kind} of ${earlier.join()}`);
    assert.deepEqual(await kindsOf(null, began - 1), []);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('of many successes some are stored, and say how many they stand for', async () => {
  await start('{ path: ./store, successes_per_second: 2 }');
  for (let n = 0; n < 10; n++) await edge.get(`/n/${n}`);
  await until('some are stored', async () => (await found('')).length > 0);
  const stored = await found('');
  assert.ok(stored.length < 10, `${stored.length} are stored`);
});

test('a thread of the store that ends is replaced, and goes on with what was not stored', async () => {
  await start('{ path: ./store }');
  await edge.get('/before');
  await until('it is stored', async () => (await found('')).length === 1);
  await runInWorkers('setTimeout(() => { throw new RangeError("on purpose"); })', /^candor store/);
  await edge.get('/while');
  await until('the loss is reported', () => edge.eventsOf('store_lost').length === 1);
  await edge.get('/after');
  await until('all are found', async () => {
    const result = await edge.gateway.searchExchanges({ query: '', limit: 9, cursor: null, after: null });
    return result.kind === 'page' && result.exchanges.length === 3;
  });
  assert.equal(edge.gateway.counts().storeLost, 0);
  const result = await edge.gateway.searchEvents({ since: null, until: null, limit: 1000, cursor: null });
  assert.ok(result.kind === 'page');
  const seqs = result.events.map(({ seq }) => seq).toReversed();
  assert.deepEqual(
    seqs,
    seqs.map((_, index) => index + 1),
    'each event once',
  );
});

test('the status advises no timeout from minutes of traffic, and says of one that never fires', async () => {
  await start('{ path: ./store, successes_per_second: 5 }');
  const agent = new Agent({ keepAlive: true, maxSockets: 8 });
  const { host, port } = edge.address();
  const ask = async (path: string): Promise<void> => {
    const sent = request({ agent, host, port, path, headers: { host: 'shop.test' } }).end();
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    response.resume();
    await once(response, 'end');
  };
  for (let n = 0; n < 1400; n += 50) await Promise.all(Array.from({ length: 50 }, (_, m) => ask(`/n/${n + m}`)));
  await until('enough are stored', async () => {
    // Those that were left out last are counted with the next one that is stored, in each worker.
    await Promise.all(Array.from({ length: 16 }, () => ask('/n/later')));
    const stored = await found('');
    return stored.reduce((sum, { standsFor }) => sum + standsFor, 0) >= 1000;
  });
  agent.destroy();
  await edge.gateway.refreshResponseTimes();
  const advised = () => edge.gateway.status().timeouts;
  assert.deepEqual(advised(), []);
  await edge.reload(
    (await readFile(join(edge.folder, 'candor.yaml'), 'utf8')).replace(
      'store:',
      'timeouts: { response_head: 20s, exchange: 10s }\nstore:',
    ),
  );
  assert.deepEqual(new Set(advised().map(({ kind }) => kind)), new Set(['never_fires']));
});

test('without a store a search says how to get one, and no thread runs for it', async () => {
  await start('none');
  const result = await edge.gateway.searchExchanges({ query: '', limit: 9, cursor: null, after: null });
  assert.match(result.kind === 'unavailable' ? result.problem : '', /^The configuration has no store/);
  assert.equal(
    await runInWorkers('1', /^candor store/).then(
      () => 'runs',
      () => 'none',
    ),
    'none',
  );
});
