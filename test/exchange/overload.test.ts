import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fail } from '#failures/failure.ts';
import type { RouteId, UpstreamId } from '../../src/core/endpoint.ts';
import type { RequestPriority, RouteSpec } from '../../src/core/route-spec.ts';
import type { GateTurn, RequestGate, TurnWaiter } from '../../src/exchange/request-gate.ts';
import { Http1World } from './http1-world.ts';
import { assertRecord } from './cases.ts';

const route = (id: string, pathPrefix: string, features: RouteSpec['features']): Partial<RouteSpec> => ({
  id: id as RouteId,
  match: { hosts: [], pathPrefix, methods: [] },
  action: { kind: 'upstream', upstream: 'app' as UpstreamId },
  ...(features === undefined ? {} : { features }),
});

/** Lets nothing pass before `serve`. */
class HeldQueue implements RequestGate {
  readonly held = new Set<TurnWaiter>();
  readonly priorities: RequestPriority[] = [];

  enter(waiter: TurnWaiter, priority: RequestPriority): GateTurn {
    this.held.add(waiter);
    this.priorities.push(priority);
    const { held } = this;
    return {
      get isWaiting() {
        return held.has(waiter);
      },
      cancel: () => void held.delete(waiter),
    };
  }

  serve(...waiters: readonly TurnWaiter[]): void {
    for (const waiter of waiters.length === 0 ? this.held : waiters) {
      this.held.delete(waiter);
      waiter.onTurn();
    }
  }

  refuse(): void {
    const evidence = {
      what: "the delay of a worker's event loop in milliseconds (now 700)",
      limit: 500,
      retryAfterS: 2,
    };
    for (const waiter of this.held) {
      this.held.delete(waiter);
      waiter.onNoTurn(fail('shed', 'route', evidence));
    }
  }

  leave(): void {}
  noteEnd(): void {}
}

describe('a gateway that has more to do than it can', () => {
  const routes = [
    route('low', '/low', { concurrency: { priority: 'low' } }),
    { ...route('ready', '/ready', { readiness: {} }), action: { kind: 'feature', feature: 'readiness' } as const },
    route('rest', '/', undefined),
  ];

  it('refuses requests that wait, without an attempt, and says when to come back', () => {
    const queue = new HeldQueue();
    const world = new Http1World({ routes }, { load: { gate: () => (queue.priorities.length < 1 ? queue : null) } });
    const client = world.request({ target: '/low' }, { connection: 'one' });
    world.pass(50);
    queue.refuse();
    world.pass(5);
    assert.deepEqual([client.status, client.header('retry-after')], [503, '2']);
    assertRecord(world, { end: 'generated', cause: 'shed', status: 503 });
    assert.deepEqual(world.records[0]?.attempts, []);
    const next = world.request({ target: '/other' }, { connection: 'one' });
    world.pass(50);
    world.endpoint('a').arrived[0]?.answer(200, 'ok');
    world.pass(50);
    assert.equal(next.status, 200, 'on the same connection');
  });

  it('never refuses the questions of health checks', () => {
    const world = new Http1World({ routes }, { load: { gate: () => assert.fail('a check does not wait') } });
    const client = world.request({ target: '/ready' });
    world.pass(50);
    assert.equal(client.status, 200);
  });

  it('lets requests wait for its event loop before they are sent, and says for how long', () => {
    const queue = new HeldQueue();
    const world = new Http1World({ routes }, { load: { gate: () => queue } });
    const [client, gone] = [world.request({ target: '/low' }), world.request({ target: '/other' })];
    world.pass(70);
    assert.deepEqual(queue.priorities, ['low', 'normal']);
    assert.equal(world.endpoint('a').arrived.length, 0);
    gone.leave();
    world.pass(5);
    assert.equal(queue.held.size, 1, 'who has left does not wait');
    queue.serve();
    world.pass(5);
    world.endpoint('a').arrived[0]?.answer(200, 'ok');
    world.pass(50);
    assert.equal(client.status, 200);
    assert.equal(world.records.at(-1)?.turnMs, 75);
  });

  it('keeps a body back until the request has its turn, and times a request out that has none', () => {
    const queue = new HeldQueue();
    const world = new Http1World({ routes, timeouts: { exchangeMs: 2000 } }, { load: { gate: () => queue } });
    const [sent, late] = [
      world.request({ target: '/other', method: 'POST', body: 'a body' }),
      world.request({ target: '/other' }),
    ];
    world.pass(50);
    const [first] = queue.held;
    assert.ok(first !== undefined);
    queue.serve(first);
    world.pass(50);
    assert.equal(world.endpoint('a').arrived[0]?.body.toString(), 'a body');
    world.endpoint('a').arrived[0]?.answer(200, 'ok');
    world.pass(2000);
    assert.deepEqual([sent.status, late.status], [200, 504]);
    assert.equal(queue.held.size, 0);
  });

  it('serves a client that has ended its direction with the request', () => {
    const queue = new HeldQueue();
    const world = new Http1World({ routes }, { load: { gate: () => queue } });
    const client = world.request({ target: '/other' }, { connection: 'one' });
    world.pass(5);
    world.lines.get('one')?.halfClose();
    world.pass(70);
    queue.serve();
    world.pass(5);
    world.endpoint('a').arrived[0]?.answer(200, 'ok');
    world.pass(50);
    assert.equal(client.status, 200);
  });

  it('lets requests wait that it refuses at once otherwise', () => {
    const queue = new HeldQueue();
    const world = new Http1World({ routes: routes.slice(0, 2) }, { load: { gate: () => queue } });
    const client = world.request({ target: '/unknown' });
    world.pass(50);
    assert.deepEqual([client.status, queue.priorities], [0, ['low']]);
    queue.serve();
    world.pass(50);
    assert.equal(client.status, 404);
    assertRecord(world, { end: 'generated', cause: 'no_route', status: 404 });
  });
});
