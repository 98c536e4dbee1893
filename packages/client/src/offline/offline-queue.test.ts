import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { IDBFactory } from 'fake-indexeddb';
import { SimulatedClock } from '../../../../src/testing/simulated-clock.ts';
import type { FetchFunction, FetchInput } from '../fetch-options.ts';
import type { ClientClock } from '../client-clock.ts';
import { type DroppedCall, OfflineQueue, type OfflineQueueOptions, type StoredCall } from './offline-queue.ts';

const json = 'application/problem+json';

/** A service, and the network before it. Each answer is played once; then 200. */
class Service {
  readonly received: { readonly body: string; readonly key: string | null; readonly headers: Headers }[] = [];
  isReachable = true;
  answers: (() => Response | Promise<Response>)[] = [];

  readonly fetch: FetchFunction = async (input: FetchInput, init) => {
    const request = new Request(input, init);
    if (!this.isReachable) throw Object.assign(new TypeError('fetch failed'), { cause: { code: 'ECONNREFUSED' } });
    const body = await request.text();
    this.received.push({ body, key: request.headers.get('idempotency-key'), headers: request.headers });
    return (await this.answers.shift()?.()) ?? new Response('ok');
  };

  get bodies(): readonly string[] {
    return this.received.map(({ body }) => body);
  }
}

const lost = (): never => {
  throw new TypeError('fetch failed');
};

/** A page, which can be loaded again with the same store. */
function open(service: Service, given: Partial<OfflineQueueOptions> = {}) {
  const clock = new SimulatedClock();
  const dropped: DroppedCall[] = [];
  const sent: StoredCall[] = [];
  const options = {
    fetch: service.fetch,
    indexedDB: new IDBFactory(),
    clock: clock as unknown as ClientClock,
    isOnline: () => true,
    hooks: { sent: ({ call }) => void sent.push(call), dropped: (event) => void dropped.push(event) },
    ...given,
  } satisfies OfflineQueueOptions;
  const queue = new OfflineQueue(options);
  return { queue, clock, dropped, sent, options };
}

const post = (body: string): RequestInit => ({ method: 'POST', body });
const orders = 'https://shop.example/orders';
const honoured = { honouredBy: ['https://shop.example'] };

describe('a queue for calls that cannot be sent now', () => {
  it('sends at once what can be sent, and stores nothing', async () => {
    const service = new Service();
    const { queue } = open(service);
    const outcome = await queue.send(orders, post('a'));
    assert.deepEqual([outcome.state, service.bodies, await queue.list()], ['answered', ['a'], []]);
    queue.close();
  });

  it('stores what did not reach the service, and sends it with the same key later, in order', async () => {
    const service = new Service();
    service.isReachable = false;
    const { queue, clock, sent } = open(service);
    for (const body of ['a', 'b', 'c']) assert.equal((await queue.send(orders, post(body))).state, 'queued');
    const keys = (await queue.list()).map(({ idempotencyKey }) => idempotencyKey);
    service.isReachable = true;
    await clock.advance(60_000);
    await queue.replay();
    assert.deepEqual(service.bodies, ['a', 'b', 'c']);
    assert.deepEqual(
      service.received.map(({ key }) => key),
      keys,
    );
    assert.equal(new Set(keys).size, 3);
    assert.deepEqual([sent.length, await queue.list()], [3, []]);
    queue.close();
  });

  it('survives a reload', async () => {
    const service = new Service();
    service.isReachable = false;
    const first = open(service);
    await first.queue.send(orders, post('a'));
    first.queue.close();
    service.isReachable = true;
    const { queue } = open(service, { indexedDB: first.options.indexedDB });
    await queue.replay();
    assert.deepEqual([service.bodies, await queue.list()], [['a'], []]);
    queue.close();
  });

  it('keeps a call behind those that wait already', async () => {
    const service = new Service();
    let isOnline = false;
    const { queue } = open(service, { isOnline: () => isOnline });
    await queue.send(orders, post('a'));
    isOnline = true;
    assert.equal((await queue.send(orders, post('b'))).state, 'queued');
    await queue.replay();
    await queue.replay();
    assert.deepEqual(service.bodies, ['a', 'b']);
    queue.close();
  });

  it('queues no POST that may have been executed, unless its origin honours keys', async () => {
    const service = new Service();
    service.answers = [lost, lost];
    const plain = open(service);
    await assert.rejects(plain.queue.send(orders, post('a')), TypeError);
    assert.deepEqual(await plain.queue.list(), []);
    const { queue } = open(service, honoured);
    assert.equal((await queue.send(orders, post('b'))).state, 'queued');
    plain.queue.close();
    queue.close();
  });

  it('queues what the gateway proves to be unexecuted, and leaves answers of the service to the caller', async () => {
    const service = new Service();
    const refused = { cause: 'connect_refused', shape: 'unreachable', delivery: 'not_sent' };
    service.answers = [
      () => new Response('{"ok":false}', { status: 503 }),
      () => new Response('', { status: 502, headers: { 'proxy-status': 'shop;error=connection_refused' } }),
      () => new Response(JSON.stringify(refused), { status: 502, headers: { 'content-type': json } }),
    ];
    const { queue } = open(service);
    const answered = await queue.send(orders, post('a'));
    assert.equal(answered.state === 'answered' && answered.response.status, 503);
    assert.equal((await queue.send(orders, post('b'))).state, 'queued');
    queue.close();
  });

  it('tells of a call whose replay may have been executed, and goes on with the next one', async () => {
    const service = new Service();
    service.isReachable = false;
    const { queue, dropped } = open(service);
    await queue.send(orders, post('a'));
    await queue.send(orders, post('b'));
    service.isReachable = true;
    service.answers = [lost];
    await queue.replay();
    assert.deepEqual(
      dropped.map(({ call, reason }) => [call.id, reason]),
      [[1, 'maybe_executed']],
    );
    assert.deepEqual([service.bodies, await queue.list()], [['a', 'b'], []]);
    queue.close();
  });

  it('does not repeat what an earlier page was sending when it went, unless its origin honours keys', async () => {
    for (const [given, bodies, reasons] of [
      [{}, ['a'], ['maybe_executed']],
      [honoured, ['a', 'a'], []],
    ] as const) {
      const service = new Service();
      service.isReachable = false;
      const first = open(service, given);
      await first.queue.send(orders, post('a'));
      service.isReachable = true;
      const { promise: received, resolve } = Promise.withResolvers<void>();
      service.answers = [() => new Promise(() => resolve())];
      void first.queue.replay();
      await received;
      first.queue.close();
      const { queue, dropped } = open(service, { ...given, indexedDB: first.options.indexedDB });
      await queue.replay();
      assert.deepEqual(service.bodies, bodies);
      assert.deepEqual(
        dropped.map(({ reason }) => reason),
        reasons,
      );
      queue.close();
    }
  });

  it('tells of a call that the service refuses, that is too old, or that fails too often', async () => {
    const service = new Service();
    let isOnline = false;
    const { queue, clock, dropped } = open(service, {
      ...honoured,
      isOnline: () => isOnline,
      ageMaxMs: 100_000_000,
      attemptsMax: 2,
    });
    await queue.send(orders, post('wrong'));
    await queue.send(orders, post('failing'));
    const busy = () => new Response('', { status: 503 });
    service.answers = [() => new Response('no', { status: 422 }), busy, busy];
    isOnline = true;
    await queue.replay();
    await clock.advance(60_000);
    await queue.replay();
    isOnline = false;
    await queue.send(orders, post('old'));
    await clock.advance(100_000_001);
    isOnline = true;
    await queue.replay();
    assert.deepEqual(
      dropped.map(({ call, reason, response }) => [call.id, reason, response?.status]),
      [
        [1, 'refused', 422],
        [2, 'attempts_spent', 503],
        [3, 'too_old', undefined],
      ],
    );
    queue.close();
  });

  it('waits at least as long as Retry-After asks', async () => {
    const service = new Service();
    let isOnline = false;
    const { queue, clock } = open(service, { ...honoured, isOnline: () => isOnline });
    await queue.send(orders, post('a'));
    isOnline = true;
    service.answers = [() => new Response('', { status: 503, headers: { 'retry-after': '120' } })];
    await queue.replay();
    await clock.advance(119_000);
    assert.equal(service.received.length, 1);
    await clock.advance(1_000);
    await queue.replay();
    assert.equal(service.received.length, 2);
    queue.close();
  });

  it('takes no more than its bounds, says so, and keeps what it has', async () => {
    const service = new Service();
    const { queue } = open(service, { isOnline: () => false, callsMax: 2, bytesMax: 10 });
    await queue.send(orders, post('12345'));
    await assert.rejects(queue.send(orders, post('123456')), { name: 'OfflineQueueFullError' });
    await queue.send(orders, post('1'));
    await assert.rejects(queue.send(orders, post('1')), { name: 'OfflineQueueFullError' });
    assert.equal((await queue.list()).length, 2);
    queue.close();
  });

  it('stores no authorization, and adds it to each attempt', async () => {
    const service = new Service();
    let isOnline = false;
    const { queue } = open(service, { isOnline: () => isOnline, headers: () => ({ authorization: 'Bearer new' }) });
    await queue.send(orders, { ...post('a'), headers: { authorization: 'Bearer old', 'x-tenant': '7' } });
    assert.doesNotMatch(JSON.stringify(await queue.list()), /Bearer/);
    isOnline = true;
    await queue.replay();
    const [received] = service.received;
    assert.deepEqual([received?.headers.get('authorization'), received?.headers.get('x-tenant')], ['Bearer new', '7']);
    queue.close();
  });

  it('queues nothing that its caller has given up', async () => {
    const service = new Service();
    const gone = new AbortController();
    service.answers = [
      () => {
        gone.abort();
        throw gone.signal.reason;
      },
    ];
    const { queue } = open(service, honoured);
    await assert.rejects(queue.send(orders, { ...post('a'), signal: gone.signal }), { name: 'AbortError' });
    assert.deepEqual(await queue.list(), []);
    queue.close();
  });

  it('queues nothing that was given up before, not offline either, and nothing once it is closed', async () => {
    const { queue, options } = open(new Service(), { isOnline: () => false });
    const signal = AbortSignal.abort();
    await assert.rejects(queue.send(orders, { ...post('a'), signal }), { name: 'AbortError' });
    queue.close();
    await assert.rejects(queue.send(orders, post('b')), { name: 'TypeError', message: /the queue was closed/ });
    const reopened = new OfflineQueue(options);
    assert.deepEqual(await reopened.list(), []);
    reopened.close();
  });

  it('goes on where a hook rejects', async () => {
    const hooks = { sent: () => Promise.reject(new Error('no log')) };
    const service = new Service();
    service.isReachable = false;
    const { queue } = open(service, { hooks: hooks as never });
    await queue.send(orders, post('a'));
    service.isReachable = true;
    await queue.replay();
    assert.deepEqual([service.bodies, await queue.list()], [['a'], []]);
    queue.close();
  });

  it('leaves no timer when it is closed', async () => {
    const service = new Service();
    service.isReachable = false;
    const { queue, clock } = open(service);
    await queue.send(orders, post('a'));
    queue.close();
    assert.equal(clock.timersLive, 0);
  });

  it('says that it needs IndexedDB', () => {
    assert.throws(() => new OfflineQueue({ fetch: new Service().fetch }), /there is no IndexedDB here/);
  });
});
