import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { FetchWorld, settle } from './fetch-world.test-support.ts';
import type { FetchOptions, ResilientRequestInit } from './fetch-options.ts';
import { CallTimeoutError, GatewayError } from './gateway-error.ts';

const url = 'https://api.example.org/orders';
const busy = (): Response => new Response('busy', { status: 503 });

const mistakes: readonly (readonly [what: string, url: string, init: ResilientRequestInit])[] = [
  ['a GET with a body', url, { body: 'a' }],
  ['a method that fetch does not allow', url, { method: 'TRACE' }],
  ['a method that is none', url, { method: 'A B', body: 'a' }],
  ['a password in the address', 'https://user:secret@api.example.org/', {}],
];
for (const [what, address, init] of mistakes)
  test(`${what} is thrown as fetch throws it, and not tried again`, async () => {
    const world = new FetchWorld(busy);
    const error: unknown = await world.finish(world.fetch(address, init)).catch((thrown: unknown) => thrown);
    assert.ok(error instanceof TypeError && !(error instanceof GatewayError), String(error));
    const [origin] = world.fetch.stats().origins;
    assert.deepEqual([world.sent.length, origin?.failuresInRow ?? 0], [0, 0]);
  });

describe('an option', () => {
  test('that is undefined has its default', async () => {
    const timeouts = { overallMs: undefined, bodyIdleMs: undefined } as unknown as NonNullable<
      FetchOptions['timeouts']
    >;
    const world = new FetchWorld(() => ({ afterMs: 5000, reply: new Response('ok') }), { timeouts });
    const response = await world.finish(world.fetch(url, { method: 'POST', resilience: { timeouts } }));
    assert.equal(await response.text(), 'ok');
  });

  test('that is undefined has its default in what it is part of too', async () => {
    const nothing = {
      attemptsMax: undefined,
      baseMs: undefined,
      share: undefined,
      minimum: undefined,
      openMs: undefined,
    };
    const sentAt = async (options: object, resilience: object): Promise<readonly number[]> => {
      const world = new FetchWorld(busy, options);
      for (let call = 0; call < 3; call++) await world.finish(world.fetch(url, { resilience }));
      return world.sent.map(({ at }) => at);
    };
    const usual = await sentAt({}, {});
    assert.deepEqual(await sentAt({ retry: nothing, budget: nothing, breaker: nothing }, nothing), usual);
    assert.deepEqual([usual.length > 3, usual[1]! > usual[0]!], [true, true]);
  });

  test('that is undefined in a call is that of the client', async () => {
    const world = new FetchWorld(() => 'silence', { timeouts: { overallMs: 500 } });
    const init = { resilience: { timeouts: { overallMs: undefined } } } as unknown as ResilientRequestInit;
    await assert.rejects(world.finish(world.fetch(url, init)), CallTimeoutError);
    assert.equal(world.clock.now(), 500);
  });

  test('that throws is told, and its answer is not kept', async () => {
    const mistake = new Error('no table');
    const classify = (): never => {
      throw mistake;
    };
    const world = new FetchWorld(busy, { classify });
    const error: unknown = await world.finish(world.fetch(url)).catch((thrown: unknown) => thrown);
    assert.equal(error, mistake);
    assert.deepEqual([world.sent.length, world.sent[0]?.signal.aborted, world.clock.timersLive], [1, true, 0]);
  });

  test('that is null in place of the init is none', async () => {
    const world = new FetchWorld(() => new Response('ok'));
    assert.equal((await world.finish(world.fetch(url, null as never))).status, 200);
  });

  for (const origin of ['https://api.example.org/', 'https://API.example.org', 'https://api.example.org:443/v1'])
    test(`honouredBy may be written as ${origin}`, async () => {
      const idempotency = { honouredBy: [origin] };
      const world = new FetchWorld((_, number) => (number === 1 ? busy() : new Response('ok')), { idempotency });
      assert.equal((await world.finish(world.fetch(url, { method: 'POST', body: 'a' }))).status, 200);
    });
});

test('a hook that rejects is counted, and ends no program', async () => {
  const hook = (): Promise<void> => Promise.reject(new Error('no log'));
  const hooks = { retry: hook, attempt: hook, failures: hook, failuresInRow: 1 };
  const world = new FetchWorld(busy, { hooks: hooks as never, retry: { attemptsMax: 2 } });
  assert.equal((await world.finish(world.fetch(url))).status, 503);
  await settle();
  assert.equal(world.fetch.stats().hookErrors, 4);
});
