import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { FakeKitClock, settled } from './fake-clock.test-support.ts';
import { type Checks, HealthChecks, type HealthResult } from './health-checks.ts';

class Dependency {
  runs = 0;
  running = 0;
  mostRunning = 0;
  readonly #open: { resolve: (value: unknown) => void; reject: (error: Error) => void }[] = [];
  signal: AbortSignal | null = null;

  readonly ask = (signal: AbortSignal): Promise<unknown> => {
    this.signal = signal;
    this.runs += 1;
    this.running += 1;
    this.mostRunning = Math.max(this.mostRunning, this.running);
    return new Promise((resolve, reject) => void this.#open.push({ resolve, reject })).finally(() => this.running--);
  };

  answer(value?: unknown): void {
    for (const { resolve } of this.#open.splice(0)) resolve(value);
  }

  fail(error: Error): void {
    for (const { reject } of this.#open.splice(0)) reject(error);
  }
}

function checksOf(checks: Checks): {
  readonly clock: FakeKitClock;
  readonly ask: (readiness?: boolean) => Promise<HealthResult | undefined>;
} {
  const clock = new FakeKitClock();
  const all = new HealthChecks(checks, clock);
  return { clock, ask: async (readiness = false) => (await all.results(readiness)).get('database') };
}

describe('a check', () => {
  test('runs once for a thousand requests that come while it runs', async () => {
    const database = new Dependency();
    const { ask } = checksOf({ database: database.ask });
    const asked = Array.from({ length: 1000 }, () => ask());
    await settled();
    assert.equal(database.runs, 1);
    database.answer();
    assert.deepEqual([...new Set((await Promise.all(asked)).map((result) => result?.status))], ['pass']);
  });

  test('keeps its result for cacheMs, a failure too', async () => {
    const database = new Dependency();
    const { ask, clock } = checksOf({ database: { run: database.ask, cacheMs: 500 } });
    const first = ask();
    await settled();
    database.fail(new Error('refused'));
    assert.equal((await first)?.status, 'fail');
    await clock.pass(499);
    assert.equal((await ask())?.output, 'Error: refused');
    assert.equal(database.runs, 1);
    await clock.pass(1);
    const second = ask();
    await settled();
    database.answer();
    assert.equal((await second)?.status, 'pass');
    assert.equal(database.runs, 2);
  });

  test('fails at its time limit, and its signal aborts', async () => {
    const database = new Dependency();
    const { ask, clock } = checksOf({ database: { run: database.ask, timeoutMs: 300 } });
    const asked = ask();
    await clock.pass(300);
    const result = await asked;
    assert.deepEqual([result?.status, result?.output, result?.tookMs], ['fail', 'no result within 300 ms', 300]);
    assert.equal((database.signal?.reason as DOMException | undefined)?.name, 'TimeoutError');
  });

  test('that hangs is not started again before it ends', async () => {
    const database = new Dependency();
    const { ask, clock } = checksOf({ database: { run: database.ask, timeoutMs: 300, cacheMs: 0 } });
    const first = ask();
    await clock.pass(300);
    await first;
    await clock.pass(5000);
    assert.equal((await ask())?.output, 'still runs after 5300 ms');
    assert.equal(database.runs, 1);
    database.answer();
    await settled();
    const next = ask();
    await settled();
    database.answer();
    assert.equal((await next)?.status, 'pass');
    assert.equal(database.runs, 2);
  });

  test('leaves no timer behind', async () => {
    const { ask, clock } = checksOf({ database: () => 'ok' });
    assert.equal((await ask())?.status, 'pass');
    assert.equal(clock.timers, 0);
  });

  test('never runs twice at a time, whatever it does and whenever it is asked', async () => {
    const step = fc.record({ waitMs: fc.nat(2000), then: fc.constantFrom('ask', 'answer', 'fail') });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
        const database = new Dependency();
        const { ask, clock } = checksOf({ database: { run: database.ask, timeoutMs: 400, cacheMs: 300 } });
        for (const { waitMs, then } of steps) {
          await clock.pass(waitMs);
          if (then === 'ask') void ask();
          else if (then === 'answer') database.answer();
          else database.fail(new Error('no'));
        }
        assert.ok(database.mostRunning <= 1);
      }),
      { numRuns: 30 },
    );
  });
});

const failing = (error: unknown) => async (): Promise<never> => {
  throw error as Error;
};
const results: readonly (readonly [
  what: string,
  check: Checks[string],
  status: string | undefined,
  output: string | null | undefined,
])[] = [
  ['that returns nothing passes', () => {}, 'pass', null],
  ['that returns rows passes', async () => [{ status: 'cancelled' }], 'pass', null],
  ['may warn', () => ({ status: 'warn', output: 'disk 91 % full' }), 'warn', 'disk 91 % full'],
  ['may say itself that it fails', () => ({ status: 'fail' }), 'fail', null],
  [
    'that throws fails',
    () => {
      throw new TypeError('no pool');
    },
    'fail',
    'TypeError: no pool',
  ],
  ['of an optional dependency warns', { run: failing(new Error('down')), optional: true }, 'warn', 'Error: down'],
  [
    'shows no password of an address',
    failing(new Error('connect postgres://shop:hunter2@db/shop')),
    'fail',
    'Error: connect postgres://…@db/shop',
  ],
  [
    'shows no part of one with an @',
    failing(new Error('connect redis://:p@ss@cache:6379/0')),
    'fail',
    'Error: connect redis://…@cache:6379/0',
  ],
  [
    'that throws something without a text fails',
    () => Promise.reject(Object.create(null)),
    'fail',
    'an object without a text',
  ],
  ['takes no undefined option', { run: () => {}, timeoutMs: undefined as never }, 'pass', null],
  ['shows one line', failing(new Error('a\n  b')), 'fail', 'Error: a   b'],
  ['shows 200 characters', failing('x'.repeat(500)), 'fail', `${'x'.repeat(199)}…`],
  [
    'shows why each address refused',
    failing(new AggregateError([new Error('refused ::1'), new Error('refused 127.0.0.1')])),
    'fail',
    'Error: refused ::1; Error: refused 127.0.0.1',
  ],
];

for (const [what, check, status, output] of results)
  test(`a check ${what}`, async () => {
    const result = await checksOf({ database: check }).ask();
    assert.deepEqual([result?.status, result?.output], [status, output]);
  });

for (const wrong of [null, 5, { run: 'ping' }, { run: () => {}, timeoutMs: '5s' }, { run: () => {}, timeout: 5 }])
  test(`a check that is ${JSON.stringify(wrong)} is refused at the start`, () => {
    assert.throws(() => checksOf({ database: wrong as never }), /^(?:TypeError|RangeError): checks\.database/);
  });

test('readiness asks the checks alone that belong to the instance', async () => {
  const checks = new HealthChecks({ shared: () => {}, own: { run: () => {}, readiness: true } }, new FakeKitClock());
  assert.deepEqual([...(await checks.results(true)).keys()], ['own']);
  assert.deepEqual([...(await checks.results(false)).keys()], ['shared', 'own']);
});
