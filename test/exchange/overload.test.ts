import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fail, type Failure } from '#failures/failure.ts';
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

  enter(waiter: TurnWaiter): GateTurn {
    this.held.add(waiter);
    const { held } = this;
    return {
      get isWaiting() {
        return held.has(waiter);
      },
      cancel: () => void held.delete(waiter),
    };
  }

  serve(): void {
    for (const waiter of this.held) {
      this.held.delete(waiter);
      waiter.onTurn();
    }
  }

  leave(): void {}
  noteEnd(): void {}
}

describe('a gateway that has more to do than it can', () => {
  const asked: RequestPriority[] = [];
  const load = {
    queue: null,
    refusal(priority: RequestPriority): Failure | null {
      asked.push(priority);
      return priority === 'low'
        ? fail('shed', 'route', {
            what: "the delay of a worker's event loop in milliseconds (now 700)",
            limit: 500,
            retryAfterS: 2,
          })
        : null;
    },
  };
  const routes = [
    route('low', '/low', { concurrency: { priority: 'low' } }),
    { ...route('ready', '/ready', { readiness: {} }), action: { kind: 'feature', feature: 'readiness' } as const },
    route('rest', '/', undefined),
  ];

  it('refuses requests by the priority of their route, without an attempt, and says when to come back', () => {
    const world = new Http1World({ routes }, { load });
    const client = world.request({ target: '/low' }, { connection: 'one' });
    world.pass(50);
    assert.deepEqual([client.status, client.header('retry-after')], [503, '2']);
    assertRecord(world, { end: 'generated', cause: 'shed', status: 503 });
    assert.deepEqual(world.records[0]?.attempts, []);
    const next = world.request({ target: '/other' }, { connection: 'one' });
    world.pass(50);
    world.endpoint('a').arrived[0]?.answer(200, 'ok');
    world.pass(50);
    assert.equal(next.status, 200, 'on the same connection');
    assert.deepEqual(asked, ['low', 'normal']);
  });

  it('never refuses the questions of health checks', () => {
    asked.length = 0;
    const none = { refusal: () => assert.fail('a check is not asked for'), queue: new HeldQueue() };
    const world = new Http1World({ routes }, { load: none });
    const client = world.request({ target: '/ready' });
    world.pass(50);
    assert.equal(client.status, 200);
  });

  it('lets requests wait for its event loop before they are sent, and says for how long', () => {
    const queue = new HeldQueue();
    const world = new Http1World({ routes }, { load: { refusal: () => null, queue } });
    const [client, gone] = [world.request({ target: '/low' }), world.request({ target: '/other' })];
    world.pass(70);
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
});
