import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { HashKey } from '../../src/core/upstream-spec.ts';
import type { EndpointSnapshot } from '../../src/core/snapshot.ts';
import { after } from '../../src/core/time.ts';
import { SlowStart } from '../../src/policy/slow-start.ts';
import {
  type AroundBalancer,
  type BalancedEndpoint,
  type Balancer,
  type BalancerContext,
  type CreateBalancer,
  withoutTried,
} from '../../src/policy/balancer.ts';
import { SeededRandom } from '../../src/testing/seeded-random.ts';
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
  return clients.map(({ body }) => body.toString()).join('');
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
    const answered = answeredBy(world, 1, { method: 'PUT', target: '/cart?id=5', headers: { 'X-User': 'ann' } });
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

describe('slow start', () => {
  const random = new SeededRandom('slow start');
  const priorityBalancer: AroundBalancer = (inner) => new SlowStart(inner, 20_000, random);

  it('lets an endpoint that became ready again have a tenth of its share, and the whole after the time', () => {
    const states: Record<string, EndpointSnapshot['state']> = {};
    const endpointChanges = (name: string): Partial<EndpointSnapshot> => ({ state: states[name] ?? 'healthy' });
    const world = new Http1World({ endpoints }, { priorityBalancer, endpointChanges });
    world.pass(60_000);
    const share = (): number => answeredBy(world, 300).replaceAll(/[^c]/g, '').length / 100;
    assert.ok(share() > 0.8, 'long after the start');
    states['c'] = 'ejected';
    world.changed();
    assert.equal(share(), 0);
    states['c'] = 'healthy';
    world.changed();
    const atFirst = share();
    assert.ok(atFirst > 0 && atFirst < 0.3, `${atFirst}`);
    world.pass(20_000);
    assert.ok(share() > 0.8, 'after the time');
    world.pass(100_000);
    world.verifyAtRest();
  });

  it('leaves the spare endpoints of the next priority alone while the first ones start', () => {
    let state: EndpointSnapshot['state'] = 'ejected';
    const endpointChanges = (name: string): Partial<EndpointSnapshot> =>
      name === 'a' ? { state } : { state: 'healthy', priority: 1 };
    const world = new Http1World({ endpoints }, { priorityBalancer, endpointChanges });
    world.pass(60_000);
    state = 'healthy';
    world.changed();
    assert.equal(answeredBy(world, 50), 'a'.repeat(50));
    world.pass(100_000);
    world.verifyAtRest();
  });
});

describe('an endpoint that fails at once', () => {
  it('gets few of the requests that could not be repeated, beside endpoints that take their time', () => {
    const world = new Http1World({ endpoints });
    world.endpoint('a').onRequest = (arrived) => arrived.breakOff('closed');
    for (const name of ['b', 'c'])
      world.endpoint(name).onRequest = (arrived) =>
        void world.clock.schedule(after(world.clock.now(), 20), () => arrived.answer(200, name), undefined);
    for (let count = 0; count < 300; count++) {
      world.request({ method: 'POST' });
      world.pass(3);
    }
    world.pass(1000);
    assert.equal(world.records.length, 300);
    const failed = world.records.filter(({ statusSent }) => statusSent === 502).length;
    assert.ok(failed > 0 && failed < 20, `${failed} of 300 failed`);
    world.pass(100_000);
  });
});

describe('a balancer that the configuration names', () => {
  it('round robin: serves by weight', () => {
    const world = new Http1World(
      { endpoints },
      { balance: { kind: 'round_robin' }, endpointChanges: weightOf({ a: 4 }) },
    );
    const answers = answeredBy(world, 12);
    assert.equal(answers.replaceAll(/[^a]/g, '').length, 8);
    assert.equal(answers.replaceAll(/[^b]/g, '').length, 2);
    world.pass(100_000);
    world.verifyAtRest();
  });

  const keys: readonly (readonly [string, HashKey, (user: number) => RequestText])[] = [
    ['a header', { kind: 'header', name: 'x-user' }, (user) => ({ headers: { 'X-User': `u${user}` } })],
    ['a cookie', { kind: 'cookie', name: 'id' }, (user) => ({ headers: { Cookie: `theme=dark; id=u${user}` } })],
    ['the path', { kind: 'path' }, (user) => ({ target: `/u/${user}?time=${Math.random()}` })],
  ];
  for (const [name, key, requestOf] of keys) {
    it(`hash: sends requests with the same key to the same endpoint, by ${name}`, () => {
      const world = new Http1World({ endpoints }, { balance: { kind: 'hash', key } });
      const used = new Set<string>();
      for (let user = 0; user < 12; user++) {
        const answers = new Set(answeredBy(world, 4, requestOf(user)));
        assert.equal(answers.size, 1);
        used.add([...answers].join(''));
      }
      assert.equal(used.size, endpoints.length);
      world.pass(100_000);
      world.verifyAtRest();
    });
  }

  it('hash: spellings of one path are one key', () => {
    const world = new Http1World({ endpoints }, { balance: { kind: 'hash', key: { kind: 'path' } } });
    const spellings = ['/cart/items', '//cart/items', '/%63art/items', '/x/../cart/./items', '/cart/items?a'];
    const answers = spellings.map((target) => answeredBy(world, 1, { target }));
    assert.equal(new Set(answers).size, 1);
  });

  it('hash: a request fails over to another endpoint, always the same one, and comes back', () => {
    const world = new Http1World({ endpoints }, { balance: { kind: 'hash', key: { kind: 'path' } } });
    const [home = ''] = answeredBy(world, 1);
    world.endpoint(home).die('closed');
    world.endpoint(home).accepts = 'refuses';
    const [other = ''] = answeredBy(world, 1);
    assert.notEqual(other, home);
    assert.equal(answeredBy(world, 3), other.repeat(3));
    world.endpoint(home).accepts = 'yes';
    world.pass(5000);
    assert.equal(answeredBy(world, 3), home.repeat(3));
  });

  it('peak ewma: sends nearly everything to the endpoint that responds sooner', () => {
    const world = new Http1World({ endpoints: ['a', 'b'] }, { balance: { kind: 'peak_ewma' } });
    world.endpoint('a').onRequest = (arrived) =>
      void world.clock.schedule(after(world.clock.now(), 200), () => arrived.answer(200, 'a'), undefined);
    world.endpoint('b').onRequest = (arrived) => arrived.answer(200, 'b');
    const clients = Array.from({ length: 100 }, () => {
      const client = world.request({});
      world.pass(10);
      return client;
    });
    world.pass(1000);
    const answers = clients.map(({ body }) => body.toString()).join('');
    assert.ok(answers.replaceAll('b', '').length <= 3, answers);
    world.pass(100_000);
    world.verifyAtRest();
  });
});
