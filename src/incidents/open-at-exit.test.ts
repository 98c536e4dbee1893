import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Event } from '../core/event.ts';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import { OpenAtExit } from './open-at-exit.ts';

interface Request {
  readonly path: string;
  readonly cause?: string;
  readonly stage?: string;
  readonly endpoint?: string;
  /** When its attempt ended: milliseconds after the exit. */
  readonly endedMs?: number;
}

class Run {
  readonly clock = new SimulatedClock();
  requests: readonly Request[] = [];
  searches = 0;
  readonly open = new OpenAtExit({ clock: this.clock, search: async () => this.#page() });

  async exit(from = 'ready'): Promise<void> {
    const at = this.clock.wallTime();
    this.open.onEvent({ kind: 'instance_exited', subject: 'instance:shop/1', at, from } as Event);
    await this.clock.advance(6000);
  }

  #page() {
    this.searches += 1;
    const exitedAt = this.clock.wallTime() - 1500;
    const exchanges = this.requests.map(({ path, cause = 'reset_before_response', stage = 'response', ...rest }) => {
      const { endpoint = 'web/shop/1/127.0.0.1:4000', endedMs = 0 } = rest;
      const attempt = { endpoint, address: '127.0.0.1:4000', cause, stage, ended_ms: 500 };
      return {
        record: { at: new Date(exitedAt - 500 + endedMs).toISOString(), method: 'GET', path, attempts: [attempt] },
      };
    });
    return { kind: 'page', exchanges } as never;
  }
}

test('the requests that an instance had when it ended are told, those of the most exits first', async () => {
  const run = new Run();
  run.requests = [{ path: '/poison/17' }, { path: '/poison/18' }, { path: '/' }];
  await run.exit();
  assert.deepEqual(run.open.of('shop/1'), ['GET /poison/{id}', 'GET /']);
  run.requests = [{ path: '/about' }, { path: '/poison/9' }];
  await run.exit();
  assert.deepEqual(run.open.of('shop/1'), [
    'GET /poison/{id} (2 of 2 exits)',
    'GET / (1 of 2 exits)',
    'GET /about (1 of 2 exits)',
  ]);
});

for (const [what, request] of [
  ['was at another instance', { path: '/', endpoint: 'web/shop/2/127.0.0.1:4000' }],
  ['ended long before', { path: '/', endedMs: -3000 }],
  ['was refused because it had ended', { path: '/', cause: 'connect_refused', stage: 'connect' }],
  ['was too slow', { path: '/', cause: 'response_head_timeout' }],
] as const)
  test(`a request that ${what} is not told`, async () => {
    const run = new Run();
    run.requests = [request];
    await run.exit();
    assert.deepEqual([run.searches, run.open.of('shop/1')], [1, []]);
  });

test('nothing is searched for an instance that was asked to end, nor for each exit of a loop', async () => {
  const run = new Run();
  await run.exit('stopping');
  assert.equal(run.searches, 0);
  for (let exits = 0; exits < 5; exits += 1) {
    const at = run.clock.wallTime();
    run.open.onEvent({ kind: 'instance_exited', subject: 'instance:shop/1', at, from: 'ready' } as Event);
    await run.clock.advance(200);
  }
  await run.clock.advance(6000);
  assert.equal(run.searches, 1);
});
