import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { EndpointSnapshot } from '../../src/core/snapshot.ts';
import {
  type BalancedEndpoint,
  type Balancer,
  type BalancerContext,
  type CreateBalancer,
  withoutTried,
} from '../../src/policy/balancer.ts';
import { Http1World } from './http1-world.ts';
import type { RequestText } from './world.ts';

/** Smooth weighted round robin, as nginx has it. */
class WeightedRoundRobin<E extends BalancedEndpoint> implements Balancer<E> {
  #endpoints: readonly E[] = [];
  readonly #credit = new Map<E, number>();

  update(endpoints: readonly E[]): void {
    this.#endpoints = endpoints;
  }

  pick({ tried }: BalancerContext<E>): E | null {
    const untried = withoutTried(this.#endpoints, tried);
    const candidates = untried.length > 0 ? untried : this.#endpoints;
    for (const one of candidates) this.#credit.set(one, this.#creditOf(one) + one.weight);
    const best = candidates.toSorted((a, b) => this.#creditOf(b) - this.#creditOf(a))[0] ?? null;
    if (best !== null) this.#credit.set(best, this.#creditOf(best) - total(candidates));
    return best;
  }

  #creditOf(endpoint: E): number {
    return this.#credit.get(endpoint) ?? 0;
  }
}

const roundRobin: CreateBalancer = () => new WeightedRoundRobin();

function total(endpoints: readonly BalancedEndpoint[]): number {
  return endpoints.reduce((sum, { weight }) => sum + weight, 0);
}

/** Keeps the facts of each request as one text. */
class ByFacts<E extends BalancedEndpoint> implements Balancer<E> {
  readonly seen: string[] = [];
  #endpoints: readonly E[] = [];

  update(endpoints: readonly E[]): void {
    this.#endpoints = endpoints;
  }

  pick(context: BalancerContext<E>): E | null {
    const { method, path, clientAddress, tried, now } = context;
    this.seen.push(`${method} ${path} ${context.header('x-user')} ${clientAddress} ${tried.length} ${now >= 0}`);
    return this.#endpoints.find(({ id }) => !tried.some((one) => one.id === id)) ?? null;
  }
}

/** Which endpoint answered each request, one after the other. */
function answeredBy(world: Http1World, count: number, request: RequestText = {}): string {
  for (const name of ['a', 'b', 'c']) world.endpoint(name).onRequest = (arrived) => arrived.answer(200, name);
  const clients = Array.from({ length: count }, () => {
    const client = world.request(request);
    world.pass(5);
    return client;
  });
  return clients.map(({ content }) => content.toString()).join('');
}

const endpoints = ['a', 'b', 'c'];
const weightOf =
  (weights: Record<string, number>) =>
  (name: string): Partial<EndpointSnapshot> => {
    return { weight: weights[name] ?? 1 };
  };

describe('a balancer other than two choices', () => {
  it('gives each request its endpoint: round robin by weight', () => {
    const settings = { balancerOf: () => roundRobin, endpointChanges: weightOf({ a: 4, b: 1, c: 1 }) };
    const world = new Http1World({ endpoints }, settings);
    assert.equal(answeredBy(world, 12), 'aabacaaabaca');
    world.pass(100_000);
    world.verifyAtRest();
  });

  it('gets a changed weight with the next request', () => {
    const weights: Record<string, number> = { a: 1, b: 1, c: 1 };
    const settings = { balancerOf: () => roundRobin, endpointChanges: weightOf(weights) };
    const world = new Http1World({ endpoints }, settings);
    assert.equal(answeredBy(world, 6), 'abcabc');
    weights['b'] = 0;
    world.changed();
    assert.equal(answeredBy(world, 6).includes('b'), false);
    world.pass(100_000);
    world.verifyAtRest();
  });

  it('is replaced when the upstream asks for another one', () => {
    let create: CreateBalancer = roundRobin;
    const world = new Http1World({ endpoints }, { balancerOf: () => create, endpointChanges: weightOf({}) });
    assert.equal(answeredBy(world, 3), 'abc');
    create = () => ({ update: () => {}, pick: () => null });
    world.changedReuse('always');
    assert.match(answeredBy(world, 1), /no_endpoint_ready/);
    world.pass(100_000);
  });

  it('may go by the facts of the request, which include the endpoints that were tried', () => {
    const balancer = new ByFacts();
    const create = () => balancer as never;
    const world = new Http1World({ endpoints }, { balancerOf: () => create });
    world.endpoint('a').accepts = 'refuses';
    const answered = answeredBy(world, 1, { method: 'PUT', target: '/cart?id=5', fields: { 'X-User': 'ann' } });
    assert.equal(answered, 'b');
    assert.deepEqual(balancer.seen, ['PUT /cart ann 192.0.2.7 0 true', 'PUT /cart ann 192.0.2.7 1 true']);
    world.pass(100_000);
    world.verifyAtRest();
  });
});

describe('two choices', () => {
  it('sends requests to the endpoints of the lowest priority number, and retries to the next', () => {
    const endpointChanges = (name: string): Partial<EndpointSnapshot> => ({ priority: name === 'a' ? 0 : 1 });
    const world = new Http1World({ endpoints }, { endpointChanges });
    assert.equal(answeredBy(world, 5), 'aaaaa');
    world.endpoint('a').die('closed');
    world.endpoint('a').accepts = 'refuses';
    assert.match(answeredBy(world, 5), /^[bc]{5}$/);
    world.pass(100_000);
    world.verifyAtRest();
  });

  it('keeps the load of endpoints in proportion to their weights', () => {
    const world = new Http1World({ endpoints: ['a', 'b'] }, { endpointChanges: weightOf({ a: 3 }) });
    for (let count = 0; count < 80; count++) world.request({});
    world.pass(5);
    const [a, b] = ['a', 'b'].map((name) => world.endpoint(name).arrived.length);
    assert.ok(a !== undefined && b !== undefined && a + b === 80 && a >= 57 && a <= 63, `${a} and ${b}`);
    for (const name of ['a', 'b']) for (const request of world.endpoint(name).arrived) request.answer(200, 'ok');
    world.pass(100_000);
    world.verifyAtRest();
  });
});
