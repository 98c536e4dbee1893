import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Deadlines } from '../core/deadline.ts';
import type { FeatureScope, FeatureSemaphores } from '../core/feature.ts';
import { localBoundSemaphores } from '../core/local-semaphore.ts';
import type { SemaphoreSource } from '../core/semaphores.ts';
import { type FeaturePart, type FeaturePorts, workerFeature } from '../features/worker-feature.ts';
import { sampleExchange } from '../record/sample-exchange.test-support.ts';
import { SeededRandom } from '../testing/seeded-random.ts';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import { FeatureParts, routeHooks } from './feature-parts.ts';

/** A feature that counts the exchanges of its scope, and writes down what happens to its parts. */
class Counter {
  readonly events: string[] = [];
  ports: FeaturePorts | null = null;

  feature() {
    return workerFeature<{ readonly step: number }, FeaturePart & { readonly count: { value: number } }>({
      name: 'counter',
      prepare: ({ id }, { step }, ports, previous) => {
        this.ports = ports;
        ports.semaphores(() => {});
        const count = previous?.count ?? { value: 0 };
        const note = (what: string): void => void this.events.push(`${what} ${id} ${step}`);
        note(previous === null ? 'new' : 'goes on');
        return {
          count,
          hooks: { onEnded: () => (count.value += step) },
          activate: () => note('active'),
          discard: () => note('discarded'),
          close: () => note('closed'),
          report: () => (count.value === 0 ? null : { count: count.value }),
          onState: (state) => note(`state ${JSON.stringify(state)}`),
        };
      },
    });
  }
}

const route: FeatureScope = { kind: 'route', id: '/a', upstream: 'app' };
const other: FeatureScope = { kind: 'route', id: '/b', upstream: 'app' };

class World {
  readonly counter = new Counter();
  readonly handles: string[] = [];
  readonly parts: FeatureParts;

  constructor() {
    const clock = new SimulatedClock();
    const bound = ({ index }: { readonly index: number }) => {
      this.handles.push(String(index));
      return localBoundSemaphores();
    };
    const semaphores = { bound } as unknown as SemaphoreSource;
    const ports = { clock, deadlines: new Deadlines(clock), random: new SeededRandom(1), semaphores };
    this.parts = new FeatureParts([this.counter.feature()], ports);
  }

  prepare(scopes: readonly (readonly [FeatureScope, step: number])[], shared: FeatureSemaphores = {}) {
    const next = this.parts.prepare(shared);
    for (const [scope, step] of scopes) next.of(scope, { counter: { step } });
    return next;
  }

  use(scopes: readonly (readonly [FeatureScope, step: number])[], shared: FeatureSemaphores = {}): void {
    this.parts.activate(this.prepare(scopes, shared));
  }

  end(routeId: string): void {
    this.parts.ended(sampleExchange({ route: routeId }));
  }

  /** What has happened since the last call. */
  take(): string[] {
    return this.counter.events.splice(0);
  }
}

describe('the parts of features in a worker', () => {
  test('count over a reload that changes them, and begin anew after one that has removed them', () => {
    const world = new World();
    world.use([[route, 1]]);
    for (let n = 0; n < 3; n++) world.end('/a');
    world.use([[route, 10]]);
    world.end('/a');
    world.end('/b');
    assert.deepEqual(world.parts.take(), { counter: { 'route /a': { count: 13 } } });
    world.use([]);
    world.end('/a');
    assert.equal(world.parts.take(), null);
    world.use([[route, 1]]);
    world.end('/a');
    assert.deepEqual(world.parts.take(), { counter: { 'route /a': { count: 1 } } });
  });

  test('have an end each: those that go on are not closed, those that are gone are', () => {
    const world = new World();
    world.use([
      [route, 1],
      [other, 1],
    ]);
    world.take();
    world.use([[route, 2]]);
    assert.deepEqual(world.take(), ['goes on /a 2', 'active /a 2', 'closed /b 1']);
  });

  test('change nothing where a reload is refused', () => {
    const world = new World();
    world.use([[route, 1]]);
    world.end('/a');
    world.take();
    const refused = world.prepare([
      [route, 100],
      [other, 100],
    ]);
    world.end('/a');
    world.end('/b');
    refused.discard();
    assert.deepEqual(world.take(), ['goes on /a 100', 'new /b 100', 'discarded /a 100', 'discarded /b 100']);
    world.end('/a');
    assert.deepEqual(world.parts.take(), { counter: { 'route /a': { count: 3 } } });
  });

  test('are prepared once, however many routes ask for them', () => {
    const world = new World();
    const next = world.prepare([[route, 1]]);
    assert.equal(next.of(route, { counter: { step: 1 } })[0], next.of(route, { counter: { step: 1 } })[0]);
    assert.deepEqual(world.take(), ['new /a 1']);
  });

  test('begin anew with other shared semaphores, whose permits are not theirs', () => {
    const world = new World();
    const shared = (index: number): FeatureSemaphores => ({ 'counter route /a': { index, generation: 1 } });
    world.use([[route, 1]], shared(4));
    world.use([[route, 2]], shared(4));
    world.take();
    world.use([[route, 3]], shared(5));
    assert.deepEqual(world.take(), ['new /a 3', 'active /a 3', 'closed /a 2']);
    assert.deepEqual(world.handles, ['4', '4', '5']);
  });

  test('are told what the main thread has published, also those of a later revision', () => {
    const world = new World();
    world.use([[route, 1]]);
    world.take();
    world.parts.onStates('counter', { 'route /b': { isOpen: true } });
    assert.deepEqual(world.take(), ['state null /a 1']);
    world.use([[other, 2]]);
    assert.equal(world.take().at(-1), 'state {"isOpen":true} /b 2');
  });

  test('say once that a report is urgent', () => {
    const world = new World();
    world.use([[route, 1]]);
    assert.equal(world.parts.isUrgent, false);
    world.counter.ports?.onUrgent();
    assert.equal(world.parts.isUrgent, true);
    world.parts.take();
    assert.equal(world.parts.isUrgent, false);
  });
});

test('a feature loads what it needs once, before it is prepared, and only where a scope has it', async () => {
  let loads = 0;
  const fails = {
    name: 'fails',
    load: () => Promise.reject(new Error('no such library')),
    prepare: () => ({ hooks: {} }),
  };
  const loaded = { name: 'loaded', load: async () => void loads++, prepare: () => ({ hooks: {} }) };
  const clock = new SimulatedClock();
  const semaphores = {} as SemaphoreSource;
  const ports = { clock, deadlines: new Deadlines(clock), random: new SeededRandom(1), semaphores };
  const parts = new FeatureParts([loaded, fails], ports);
  assert.equal(parts.load([{}, { features: { other: {} } }]), null);
  await parts.load([{ features: { loaded: {} } }]);
  assert.equal(parts.load([{ features: { loaded: {} } }]), null);
  assert.equal(loads, 1);
  await assert.rejects(
    async () => parts.load([{ features: { fails: {} } }]),
    /^Error: the feature fails cannot be loaded: no such library$/,
  );
});

test('a second feature of a route that fills what one feature alone can have is a fault, and not dropped', () => {
  const filled = {
    priority: 'high',
    retry: {} as never,
    bodyLimits: {} as never,
    recording: {} as never,
    responseHeaders: { names: ['vary'], write: () => [] },
    script: () => null,
  } as const;
  for (const [name, hook] of Object.entries(filled)) {
    const one = { [name]: hook };
    assert.throws(() => routeHooks([one, {}, one], []), new RegExp(`two features .* fill the hook ${name}$`));
    assert.doesNotThrow(() => routeHooks([one, {}], []));
  }
});
