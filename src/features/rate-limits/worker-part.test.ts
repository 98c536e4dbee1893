import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Event, EventSink } from '../../core/event.ts';
import type { User } from '../../core/exchange.ts';
import type { FilterContext, FilterDecision } from '../../core/filter.ts';
import type { Failure } from '#failures/failure.ts';
import { SeededRandom } from '../../testing/seeded-random.ts';
import { SimulatedClock } from '../../testing/simulated-clock.ts';
import type { FeaturePart, FeaturePorts } from '../worker-feature.ts';
import { RateLimits } from './main.ts';
import { type RateLimitSpec, type RateLimitsReport } from './settings.ts';
import { rateLimitsPart } from './worker-part.ts';

type Given = Partial<Omit<RateLimitSpec, 'rate'>> & { readonly rate?: string | null };

function limitOf({ rate = '2/s', ...given }: Given = {}): RateLimitSpec {
  const [, count = '', unit = ''] = /^(\d+)\/([smhd])$/.exec(rate ?? '') ?? [];
  const periodMs = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }[unit] ?? 0;
  return {
    ...{ name: 'all', by: ['address'], cost: 1, atOnce: null, exempt: [], ipv4Prefix: 32, ipv6Prefix: 64 },
    ...{ dryRun: false, announce: false, ofFile: false, burst: Number(count) || 1 },
    rate: rate === null ? null : { requests: Number(count), periodMs, written: rate },
    ...given,
  };
}

interface Asked {
  readonly address?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly user?: User | null;
}

/** The main thread, and workers that are told what it gives them. */
class World {
  readonly clock = new SimulatedClock();
  readonly events: Extract<Event, { kind: 'limit_refusals' }>[] = [];
  readonly main = this.createMain();
  readonly parts = new Map<string, FeaturePart>();
  readonly failureLines: (readonly [name: string, value: string])[] = [];
  #exchanges = 0;

  createMain(): RateLimits {
    const events: EventSink = { emit: (event) => void this.events.push(event as never) };
    return new RateLimits({
      ...{ clock: this.clock, random: new SeededRandom('main'), stateFolder: null, entries: 4096, events },
    });
  }

  /** A revision of the configuration is in force, at this worker. */
  apply(limits: readonly RateLimitSpec[], { worker = 0, route = 'r', main = this.main } = {}): void {
    const spec = structuredClone(main.forWorkers({ limits }));
    const ports = { clock: this.clock, worker } as unknown as FeaturePorts;
    const previous = this.parts.get(`${worker} ${route}`) ?? null;
    const scope = { kind: 'route', id: route, upstream: 'app' } as const;
    main.use([{ scope, spec: { limits } }]);
    this.parts.set(`${worker} ${route}`, rateLimitsPart(scope, spec, ports, previous as never));
  }

  ask(asked: Asked = {}, { worker = 0, route = 'r', id = `${++this.#exchanges}` } = {}): FilterDecision {
    const context = this.context(asked, id);
    for (const filter of this.parts.get(`${worker} ${route}`)?.hooks.filters ?? []) {
      const decision = filter.onRequestHead?.(context) ?? 'continue';
      if (decision !== 'continue') return decision;
    }
    return 'continue';
  }

  context({ address = '192.0.2.7', headers = {}, user = null }: Asked, id = ''): FilterContext {
    const variables = {
      header: (name: string) => headers[name] ?? null,
      cookie: (name: string) => headers[`cookie ${name}`] ?? null,
    };
    const addFailureHeader = (...line: [string, string]): void => void this.failureLines.push(line);
    return { id, client: { address }, variables, user, addFailureHeader } as unknown as FilterContext;
  }

  admits(asked: Asked = {}, at: Parameters<World['ask']>[1] = {}): boolean {
    return this.ask(asked, at) === 'continue';
  }

  failure(asked: Asked = {}): Failure {
    const decision = this.ask(asked);
    assert.ok(typeof decision === 'object' && 'cause' in decision, JSON.stringify(decision));
    return decision;
  }

  /** How many of so many requests are admitted. */
  count(requests: number, asked: Asked = {}, at: Parameters<World['ask']>[1] = {}): number {
    let count = 0;
    for (let index = 0; index < requests; index++) if (this.admits(asked, at)) count++;
    return count;
  }

  end(id: string, worker = 0): void {
    this.parts.get(`${worker} r`)?.hooks.onEnded?.({ id } as never);
  }

  report(worker = 0): RateLimitsReport | null {
    const report = (this.parts.get(`${worker} r`)?.report?.() ?? null) as RateLimitsReport | null;
    if (report !== null) this.main.onReports({ 'route r': report });
    return report;
  }
}

describe('a rate limit', () => {
  it('refuses with the time after which a request is admitted, and says what it allows', () => {
    const world = new World();
    world.apply([limitOf({ rate: '5/m', name: 'login' })]);
    assert.equal(world.count(9), 5);
    const failure = world.failure();
    assert.equal(failure.cause, 'rate_limited');
    assert.deepEqual(failure.evidence, {
      ...{ policy: 'login', key: 'address', value: '192.0.2.7', rate: '5/m', retryAfterS: 13 },
      ...{ rateLimit: '"login";r=0;t=13', rateLimitPolicy: '"login";q=5;w=60' },
    });
    world.clock.advanceSync(11_000);
    assert.equal(world.admits(), false);
    world.clock.advanceSync(2000);
    assert.equal(world.admits(), true);
  });

  it('says to the second after which time a request is admitted, however long that is', () => {
    for (const [rate, afterMs] of [
      ['1/d', 0],
      ['1/d', 1_000_000],
      ['1/d', 43_200_500],
      ['7/h', 123_456],
      ['100/s', 3],
    ] as const) {
      const world = new World();
      world.clock.advanceSync(777_777);
      world.apply([limitOf({ rate, burst: 1 })]);
      assert.equal(world.admits(), true);
      world.clock.advanceSync(afterMs);
      const { evidence } = world.failure() as { evidence: { retryAfterS: number } };
      const [wholeMs, earlyMs] = [evidence.retryAfterS * 1000, Math.max(0, evidence.retryAfterS * 1000 - 1002)];
      world.clock.advanceSync(earlyMs);
      if (earlyMs > 0) assert.equal(world.admits(), false, `${rate} after ${afterMs}`);
      world.clock.advanceSync(wholeMs - earlyMs);
      assert.equal(world.admits(), true, `${rate} after ${afterMs}`);
    }
  });

  const keys: readonly (readonly [name: string, by: readonly string[], same: readonly [Asked, Asked], other: Asked])[] =
    [
      [
        'an address',
        ['address'],
        [{ address: '::ffff:192.0.2.7' }, { address: '192.0.2.7' }],
        { address: '192.0.2.8' },
      ],
      [
        'a network of IPv6',
        ['address'],
        [{ address: '2001:db8::1' }, { address: '2001:DB8:0:0:9:9:9:9' }],
        { address: '2001:db8:0:1::1' },
      ],
      [
        'a header',
        ['header.x-tenant'],
        [{ headers: { 'x-tenant': 'a' } }, { headers: { 'x-tenant': 'a' }, address: '::1' }],
        { headers: { 'x-tenant': 'b' } },
      ],
      [
        'a cookie',
        ['cookie.sid'],
        [{ headers: { 'cookie sid': 'a' } }, { headers: { 'cookie sid': 'a' } }],
        { headers: { 'cookie sid': 'b' } },
      ],
      [
        'a user',
        ['user'],
        [{ user: { name: 'ada', by: 'basic', claims: {} } }, { user: { name: 'ada', by: 'key', claims: {} } }],
        { user: { name: 'bob', by: 'key', claims: {} } },
      ],
      [
        'a claim',
        ['claim.org'],
        [
          { user: { name: 'ada', by: 'jwt', claims: { org: 7 } } },
          { user: { name: 'bob', by: 'jwt', claims: { org: 7 } } },
        ],
        { user: { name: 'bob', by: 'jwt', claims: { org: '8' } } },
      ],
      [
        'a combination',
        ['address', 'header.x-tenant'],
        [{ headers: { 'x-tenant': 'a' } }, { headers: { 'x-tenant': 'a' } }],
        { headers: { 'x-tenant': 'a' }, address: '192.0.2.8' },
      ],
      [
        'its address where the header is empty',
        ['header.x-tenant'],
        [{}, { headers: { 'x-tenant': '' } }],
        { address: '192.0.2.8' },
      ],
      ['its address where the header is missing', ['header.x-tenant'], [{}, {}], { address: '192.0.2.8' }],
      [
        'its address, which no header can name',
        ['header.x-tenant'],
        [{}, {}],
        { headers: { 'x-tenant': '192.0.2.7' } },
      ],
    ];
  for (const [name, by, [one, same], other] of keys)
    it(`counts by ${name}`, () => {
      const world = new World();
      world.apply([limitOf({ by, rate: '1/m' })]);
      assert.deepEqual([world.admits(one), world.admits(same), world.admits(other)], [true, false, true]);
    });

  it('counts a limit of the file for all routes together, and that of a route for itself', () => {
    for (const ofFile of [true, false]) {
      const world = new World();
      for (const route of ['r', 's']) world.apply([limitOf({ rate: '1/m', ofFile })], { route });
      assert.equal(world.admits(), true);
      assert.equal(world.admits({}, { route: 's' }), !ofFile);
    }
  });

  it('counts nothing at any limit if one of them refuses', () => {
    const world = new World();
    world.apply([limitOf({ name: 'wide', rate: '5/m' }), limitOf({ name: 'narrow', rate: '1/m', by: ['header.x'] })]);
    assert.equal(world.count(4, { headers: { x: 'a' } }), 1);
    assert.equal(world.count(9, {}) + world.count(9, { headers: { x: 'b' } }), 2);
    world.clock.advanceSync(1);
    assert.equal(['c', 'd', 'e', 'f', 'g'].filter((x) => world.admits({ headers: { x } })).length, 2);
  });

  it('lets networks pass that are exempt, and counts a cost', () => {
    const world = new World();
    world.apply([limitOf({ rate: '4/m', cost: 2, exempt: ['10.0.0.0/8', 'fd00::/8'] })]);
    assert.deepEqual(
      [world.count(9, { address: '10.1.2.3' }), world.count(9, { address: 'fd00::1' }), world.count(9)],
      [9, 9, 2],
    );
  });

  it('only counts in a dry run', () => {
    const world = new World();
    world.apply([limitOf({ rate: '2/m', dryRun: true })]);
    assert.equal(world.count(5), 5);
    world.report();
    const [view] = world.main.status().rateLimits;
    assert.deepEqual([view?.admitted, view?.refused, view?.wouldRefuse], [2, 0, 3]);
  });

  it('holds for all workers together, through a reload, and the loss of a worker', () => {
    const world = new World();
    const limits = [limitOf({ rate: '6/m' })];
    for (const worker of [0, 1]) world.apply(limits, { worker });
    assert.equal(world.count(2, {}, { worker: 0 }) + world.count(2, {}, { worker: 1 }), 4);
    world.apply(limits);
    world.main.onWorkerGone(1);
    world.parts.delete('1 r');
    world.apply(limits, { worker: 2 });
    assert.equal(world.count(5, {}, { worker: 2 }) + world.count(5), 2);
  });

  it('goes on in the process that takes over, which has its own clock and numbers', () => {
    const world = new World();
    world.apply([limitOf({ rate: '1/s' }), limitOf({ rate: '6/m', name: 'slow' })]);
    world.clock.advanceSync(5000);
    assert.equal(world.count(1), 1);
    world.apply([limitOf({ rate: '6/m', name: 'slow' })]);
    assert.equal(world.count(9), 5);
    const state = world.main.export() ?? assert.fail('there is something to export');
    const next = new World();
    next.clock.advanceSync(8000);
    next.main.import(structuredClone(state));
    next.apply([limitOf({ rate: '6/m', name: 'slow' })]);
    assert.equal(next.count(9), 0);
    next.clock.advanceSync(7001); // With the 3 s that lie between the two.
    assert.equal(next.count(9), 1);
  });

  it('tells how much is left where it announces that', () => {
    const world = new World();
    world.apply([limitOf({ rate: '6/m', announce: true })]);
    const lines = new Map<string, string>();
    assert.equal(world.count(2), 2);
    const [filter] = world.parts.get('0 r')?.hooks.filters ?? [];
    filter?.onResponseHead?.(world.context({}), {
      set: (name: string, value: string) => lines.set(name, value),
    } as never);
    assert.deepEqual(
      [...lines],
      [
        ['RateLimit-Policy', '"all";q=6;w=60'],
        ['RateLimit', '"all";r=4;t=20'],
      ],
    );
    world.count(9);
    filter?.onResponseHead?.(world.context({}), {
      set: (name: string, value: string) => lines.set(name, value),
    } as never);
    assert.equal(lines.get('RateLimit'), '"all";r=0;t=60');
  });

  it('tells how much is left where the request fails, and beside the limits of users', () => {
    const world = new World();
    world.apply([
      limitOf({ rate: '6/m', name: 'a', announce: true }),
      limitOf({ rate: '3/m', name: 'u', by: ['user'], announce: true }),
    ]);
    const ada = { user: { name: 'ada', by: 'basic', claims: {} } };
    assert.equal(world.admits(ada), true);
    const expected = [
      ['RateLimit-Policy', '"a";q=6;w=60'],
      ['RateLimit', '"a";r=5;t=10'],
      ['RateLimit-Policy', '"u";q=3;w=60'],
      ['RateLimit', '"u";r=2;t=20'],
    ];
    assert.deepEqual(world.failureLines, expected);
    let lines: (readonly [name: string, value: string])[] = [['RateLimit', 'of the application']];
    const head = {
      add: (name: string, value: string) => lines.push([name, value]),
      set: (name: string, value: string) => (lines = [...lines.filter(([known]) => known !== name), [name, value]]),
    };
    const filters = world.parts.get('0 r')?.hooks.filters ?? [];
    for (const filter of filters.toReversed()) filter.onResponseHead?.(world.context(ada), head as never);
    assert.deepEqual(lines, [...expected.slice(2), ...expected.slice(0, 2)]);
  });

  it('tells once when it refuses a wave of requests, of one client or of many, and when that is over', () => {
    for (const [clients, of] of [
      [['192.0.2.1'], '192.0.2.1'],
      [['192.0.2.1', '192.0.2.2', '192.0.2.3'], null],
    ] as const) {
      const world = new World();
      world.apply([limitOf({ rate: '5/s' })]);
      const pass = (each: number): void => {
        for (const address of clients) world.count(each, { address });
        world.report();
        world.clock.advanceSync(10_000);
      };
      for (const each of [50, 200, 300, 1, 200, 1]) pass(each / clients.length);
      assert.deepEqual(
        world.events.map(({ subject, to, evidence }) => [subject, to, evidence.client]),
        [['limit:r.all', 'many', of]],
      );
      pass(1);
      assert.equal(world.events.at(-1)?.to, 'few');
      assert.match(world.events[0]?.reason ?? '', of === null ? /of many clients$/ : /100 % of them of one client/);
    }
  });

  it('tells that a wave is over where a configuration has no such limit any more', () => {
    const world = new World();
    world.apply([limitOf({ rate: '5/s' })]);
    world.count(200);
    world.report();
    world.clock.advanceSync(10_000);
    world.apply([limitOf({ name: 'other' })]);
    assert.deepEqual(
      world.events.map(({ to }) => to),
      ['many', 'few'],
    );
  });

  it('shows the keys that are refused most often, and never the value of a header or a cookie', () => {
    const world = new World();
    world.apply([limitOf({ rate: '1/m' })]);
    for (let last = 1; last < 20; last++) world.count(last + 1, { address: `192.0.2.${last}` });
    world.report();
    assert.deepEqual(world.main.status().rateLimits[0]?.topKeys[0], { key: '192.0.2.19', count: 19 });
    world.clock.advanceSync(180_000);
    world.apply([limitOf({ rate: '1/m', by: ['header.authorization'] })]);
    world.count(3, { headers: { authorization: 'canary' } });
    assert.equal(JSON.stringify(world.failure({ headers: { authorization: 'canary' } })).includes('canary'), false);
    world.report();
    const shown = JSON.stringify(world.main.status());
    assert.match(shown, /#[\da-f]{8} of 192\.0\.2\.7/);
    assert.equal(shown.includes('canary'), false);
  });
});

describe('a bound of requests at once', () => {
  it('refuses one more of a key until one of them has ended, in whichever worker', () => {
    const world = new World();
    for (const worker of [0, 1]) world.apply([limitOf({ rate: null, atOnce: 2 })], { worker });
    assert.ok(world.admits({}, { id: 'a' }) && world.admits({}, { worker: 1, id: 'b' }));
    const failure = world.failure();
    assert.deepEqual(
      [failure.cause, failure.evidence],
      ['too_many_requests_at_once', { policy: 'all', key: 'address', value: '192.0.2.7', limit: 2, retryAfterS: 1 }],
    );
    assert.equal(world.admits({ address: '192.0.2.8' }), true);
    world.end('b', 1);
    assert.equal(world.admits(), true);
    assert.equal(world.admits(), false);
  });

  it('gives back what a worker held that has ended, and keeps what is in flight through a reload', () => {
    const world = new World();
    const limits = [limitOf({ rate: null, atOnce: 1 })];
    for (const worker of [0, 1]) world.apply(limits, { worker });
    assert.equal(world.admits({}, { worker: 1, id: 'a' }), true);
    world.apply(limits, { worker: 1 });
    assert.equal(world.admits(), false);
    world.main.onWorkerGone(1);
    assert.equal(world.admits({}, { id: 'b' }), true);
    world.parts.get('0 r')?.close?.();
    assert.equal(world.admits(), true);
  });

  it('holds nothing of a request that the rate beside it has refused, once that has ended', () => {
    const world = new World();
    world.apply([limitOf({ rate: '1/m', atOnce: 1 })]);
    assert.equal(world.admits({}, { id: 'a' }), true);
    world.end('a');
    assert.equal(world.admits({}, { id: 'b' }), false);
    world.end('b');
    world.clock.advanceSync(61_000);
    assert.equal(world.admits(), true);
  });
});
