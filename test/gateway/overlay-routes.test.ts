import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, describe, test } from 'node:test';
import type { OverlayChange, OverlayOutcome } from '../../src/control/gateway-status.ts';
import { headerOf, type RawClient } from '../../src/testing/testing.ts';
import { originForTests } from './origin-for-tests.ts';
import { ok } from './raw-origin.ts';
import { runInWorker } from './run-in-workers.ts';
import { ReloadedGateway, requestText, responseOn, startFromYaml, until, type YamlGateway } from './start-from-yaml.ts';

// Maintenance and pauses, which operators switch on for routes at run time.

const origin = originForTests('served');
let edge: YamlGateway;
const clients: RawClient[] = [];

const ofOneWorker = new ReloadedGateway();
const ofTwoWorkers = new ReloadedGateway();
after(() => ofOneWorker.stop());
after(() => ofTwoWorkers.stop());
afterEach(() => {
  for (const client of clients.splice(0)) client.close();
});

/** Without what another test has changed. */
async function use(gateway: ReloadedGateway, text: string): Promise<void> {
  edge = await gateway.with(text);
  await done(restore());
  await until('its workers know, and no request is left', async () => (await active()) === 0);
}

const yaml = (more = 'workers: 1', state = './state'): string =>
  `${more}\nstate: ${state}\nupstreams: { app: { endpoints: "${origin.address}", check: none } }\n` +
  'routes: [{ id: ready, path: /ready, readiness: true }, { id: api, path: /api, to: app }, { id: rest, to: app }]\n';

async function done(what: OverlayChange): Promise<Extract<OverlayOutcome, { ok: true }>> {
  const outcome = await edge.gateway.changeOverlay(what, 'admin:socket');
  assert.ok(outcome.ok, outcome.ok ? '' : outcome.why);
  return outcome;
}

const maintenance = (route: string | null, message: string | null = null): OverlayChange => ({
  kind: 'maintenance',
  route,
  message,
  retryAfterS: message === null ? null : 60,
});

const pause = (target: string, waitMs: number | null = null, waitersMax: number | null = null): OverlayChange => ({
  kind: 'pause',
  target,
  waitMs,
  waitersMax,
});

const restore = (what: string | null = null): OverlayChange => ({ kind: 'restore', what });
const statusOf = async (path: string): Promise<number> => (await edge.get(path)).status;

function begin(path: string, count: number): RawClient[] {
  const begun = Array.from({ length: count }, () => edge.connect());
  for (const client of begun) client.write(requestText('GET', path));
  clients.push(...begun);
  return begun;
}

/** Requests in flight, as the workers see them at this moment. */
async function active(): Promise<number> {
  await edge.gateway.refreshCounts();
  return edge.counts().active;
}

describe('maintenance', () => {
  test('of a host is for its requests alone, and not for addresses and requests with the pass', async () => {
    await use(ofOneWorker, yaml());
    const pass = createHash('sha256').update('right').digest('hex');
    await done({ ...maintenance(null), host: 'shop.example.org', pass } as OverlayChange);
    const status = async (...lines: string[]): Promise<number> => (await edge.get('/api', lines)).status;
    await until('the worker knows', async () => (await status('Host: shop.example.org')) === 503);
    assert.equal(await status('Host: blog.example.org'), 200);
    assert.equal(await status('Host: shop.example.org', 'Cookie: candor-pass=right'), 200);
    assert.equal(await status('Host: shop.example.org', 'Candor-Pass: wrong'), 503);
    await done({ ...maintenance(null), host: 'shop.example.org', allow: ['127.0.0.0/8'] } as OverlayChange);
    await until('the worker knows', async () => (await status('Host: shop.example.org')) === 200);
  });

  test('of one route answers 503 with message and Retry-After for that route alone, until it is restored', async () => {
    await use(ofOneWorker, yaml());
    await done(maintenance('api', 'Back at noon.'));
    await until('the worker knows', async () => (await statusOf('/api')) === 503);
    const response = await edge.get('/api/x');
    assert.deepEqual([response.status, headerOf(response, 'retry-after')], [503, '60']);
    assert.match(response.body.toString(), /Back at noon\./);
    const { cause, whose, delivery, attempts } = await edge.record(response);
    assert.deepEqual([cause, whose, delivery, attempts], ['maintenance', 'operator', 'not_sent', []]);
    assert.equal(await statusOf('/other'), 200);
    await done(restore('api'));
    await until('the worker knows that maintenance is over', async () => (await statusOf('/api')) === 200);
  });

  test('of all routes spares readiness routes and requests in flight', async () => {
    await use(ofOneWorker, yaml());
    const held: Socket[] = [];
    origin.answer = () => (socket) => void held.push(socket);
    const [inFlight] = begin('/held', 1);
    await until('the request is in flight', () => origin.requests.length === 1);
    await done(maintenance(null));
    await until('the worker knows', async () => (await statusOf('/api')) === 503);
    assert.deepEqual([await statusOf('/other'), await statusOf('/ready')], [503, 200]);
    await until('the requests are counted', () => edge.gateway.status().lastMinute.requests >= 3);
    const { verdict, upstreams, lastMinute } = edge.gateway.status();
    assert.deepEqual([verdict.state, ...upstreams.map((one) => one.verdict.state)], ['maintenance', 'maintenance']);
    assert.equal(lastMinute.errors, 0, 'operators asked for these 503s');
    assert.ok(inFlight !== undefined);
    assert.equal(inFlight.state, 'open');
    for (const socket of held) socket.write(ok('at last'));
    assert.equal((await responseOn(inFlight)).body.toString(), 'at last');
    await done(restore());
    origin.answer = () => ok('served');
    await until('the worker knows that maintenance is over', async () => (await statusOf('/api')) === 200);
  });

  test('survives a reload, the loss of a worker, and a restart', async (context) => {
    const state = mkdtempSync(join(tmpdir(), 'candor-overlay-'));
    context.after(async () => {
      await edge.stop();
      rmSync(state, { recursive: true, force: true });
    });
    const kept = yaml('workers: 2', join(state, 'own'));
    edge = await startFromYaml(kept);
    await done(maintenance('api'));
    const all503 = async (): Promise<boolean> => {
      for (let sent = 0; sent < 8; sent++)
        if ((await edge.send(requestText('GET', '/api', ['Connection: close']))).status !== 503) return false;
      return true;
    };
    await until('both workers know', all503);
    assert.ok((await edge.reload(`${kept}drain: { timeout: 3s }\n`)).ok);
    assert.ok(await all503());
    await runInWorker(1, 'setTimeout(() => { throw new RangeError("on purpose") }, 0)');
    const serving = (): number[] =>
      edge.gateway.status().workers.flatMap(({ id, state: now }) => (now === 'serving' ? [id] : []));
    await until('another worker serves', () => serving().length === 2 && !serving().includes(1));
    assert.ok(await all503());
    await edge.stop();
    edge = await startFromYaml(kept);
    assert.ok(await all503());
    assert.equal(await statusOf('/other'), 200);
  });
});

describe('a pause', () => {
  test('holds every request, and all are served at its end', async () => {
    await use(ofTwoWorkers, yaml('workers: 2'));
    await done(pause('route:api', 60_000));
    const waiting = begin('/api', 100);
    await until('all wait', async () => (await active()) === 100);
    assert.equal(origin.requests.length, 0);
    assert.equal(await statusOf('/other'), 200);
    await done(restore('api'));
    for (const client of waiting) assert.equal((await responseOn(client)).status, 200);
    assert.equal(await statusOf('/api'), 200);
  });

  test('of an upstream holds the requests of each route that leads there', async () => {
    await use(ofOneWorker, yaml());
    await done(pause('app', 60_000));
    const waiting = [...begin('/api', 1), ...begin('/other', 1)];
    await until('both wait', async () => (await active()) === 2);
    assert.equal(await statusOf('/ready'), 200);
    await done(restore('pause'));
    for (const client of waiting) assert.equal((await responseOn(client)).status, 200);
  });

  test('that is longer than its timeout answers 503 pause_timeout with Retry-After, and the record says how long the request waited', async () => {
    await use(ofOneWorker, yaml());
    await done(pause('app', 100));
    const response = await edge.get('/api');
    assert.deepEqual([response.status, headerOf(response, 'retry-after')], [503, '5']);
    const { cause, stage, attempts, detail } = await edge.record(response);
    assert.match(detail ?? '', /^An operator has paused upstream app, and the request waited 100 ms/);
    assert.deepEqual([cause, stage, attempts], ['pause_timeout', 'filter', []]);
    assert.equal(origin.requests.length, 0);
  });

  test('with a full queue answers 503 pause_full at once', async () => {
    await use(ofOneWorker, yaml());
    await done(pause('app', 60_000, 2));
    const waiting = begin('/api', 2);
    await until('both wait', async () => (await active()) === 2);
    const response = await edge.get('/api');
    assert.equal(response.status, 503);
    assert.equal((await edge.record(response)).cause, 'pause_full');
    await done(restore());
    for (const client of waiting) assert.equal((await responseOn(client)).status, 200);
  });

  test('continues across a reload, also for requests that already wait', async () => {
    await use(ofOneWorker, yaml());
    await done(pause('app', 60_000));
    const [early] = begin('/api', 1);
    await until('it waits', async () => (await active()) === 1);
    assert.ok((await edge.reload(`${yaml()}drain: { timeout: 3s }\n`)).ok);
    const [late] = begin('/api', 1);
    await until('both wait', async () => (await active()) === 2);
    await done(restore());
    for (const client of [early, late]) assert.equal((await responseOn(client as RawClient)).status, 200);
  });

  test('whose limits are changed still holds the requests that wait', async () => {
    await use(ofOneWorker, yaml());
    await done(pause('app', 60_000, 1));
    const waiting = begin('/api', 1);
    await until('it waits', async () => (await active()) === 1);
    await done(pause('app', 50_000, 2));
    waiting.push(...begin('/api', 1));
    await until('both wait', async () => (await active()) === 2);
    assert.equal(origin.requests.length, 0);
    await done(restore());
    for (const client of waiting) assert.equal((await responseOn(client)).status, 200);
  });

  test('forgets a client that leaves, and gives its permit to another', async () => {
    await use(ofOneWorker, yaml());
    await done(pause('app', 60_000, 1));
    const [gone] = begin('/api', 1);
    await until('it waits', async () => (await active()) === 1);
    gone?.reset();
    await until('the client is forgotten', async () => (await active()) === 0);
    const [next] = begin('/api', 1);
    await until('the next request waits', async () => (await active()) === 1);
    await done(restore());
    assert.equal((await responseOn(next as RawClient)).status, 200);
    assert.equal(origin.requests.length, 1);
  });

  test('loses no request under load, with drain, restore and reload meanwhile', async () => {
    await use(ofTwoWorkers, yaml('workers: 2'));
    const statuses: number[] = [];
    let isOver = false;
    const load = Array.from({ length: 8 }, async () => {
      while (!isOver) statuses.push(await statusOf('/api'));
    });
    for (let round = 0; round < 3; round++) {
      await done(pause('app', 60_000));
      await until('requests wait', async () => (await active()) >= 8);
      assert.ok((await edge.reload(`${yaml('workers: 2')}drain: { timeout: ${round + 3}s }\n`)).ok);
      const before = statuses.length;
      await done(restore());
      await until('requests are served', () => statuses.length > before + 20);
    }
    isOver = true;
    await Promise.all(load);
    assert.deepEqual(new Set(statuses), new Set([200]));
  });
});
