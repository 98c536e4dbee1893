import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import type { DrainSpec } from '../core/configuration.ts';
import type { EventSink } from '../core/event.ts';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import type { DrainPlan } from '../core/worker-messages.ts';
import { type DrainingWorker, Shutdown } from './shutdown.ts';

/** A fake worker that obeys each command and notes when it came. */
class FakeWorker implements DrainingWorker {
  exchangesActive = 0;
  counts = { tunnelsActive: 0, clientConnections: 0 };
  readonly told: string[] = [];
  plan: DrainPlan | null = null;
  readonly #drained = Promise.withResolvers<void>();
  readonly #clock: SimulatedClock;
  readonly #answersCut: boolean;

  constructor(clock: SimulatedClock, answersCut: boolean) {
    this.#clock = clock;
    this.#answersCut = answersCut;
  }

  #note(what: string): void {
    this.told.push(`${what} at ${this.#clock.now()}`);
  }

  announceClose(): void {
    this.#note('take leave');
  }

  drain(plan: DrainPlan): Promise<void> {
    this.#note('drain');
    this.plan = plan;
    return this.#drained.promise;
  }

  forceClose(atOnce: boolean): void {
    this.#note(atOnce ? 'cut at once' : 'cut');
    if (this.#answersCut) this.drained();
  }

  async terminate(): Promise<void> {
    this.#note('terminate');
  }

  drained(): void {
    this.exchangesActive = 0;
    this.#drained.resolve();
  }
}

let clock: SimulatedClock;
let phases: string[];
let reasons: string[];
let atOnce: PromiseWithResolvers<string>;
beforeEach(() => {
  clock = new SimulatedClock();
  phases = [];
  reasons = [];
  atOnce = Promise.withResolvers();
});

const events: EventSink = {
  emit: ({ kind, from, to, reason }) => {
    phases.push(`${kind} ${from} → ${to} at ${clock.now()}`);
    reasons.push(reason ?? '');
  },
};

interface Ending {
  readonly workers: readonly FakeWorker[];
  readonly shutdown: Shutdown;
  readonly isOver: () => boolean;
}

function begin(drain: Partial<DrainSpec>, { hasSuccessor = false, answersCut = true, count = 2 } = {}): Ending {
  const workers = Array.from({ length: count }, () => new FakeWorker(clock, answersCut));
  const spec: DrainSpec = { timeoutMs: 10_000, lameDuckMs: 0, tunnels: 'wait', ...drain };
  const shutdown = new Shutdown(workers, { clock, events, drain: spec, hasSuccessor, atOnce: atOnce.promise });
  let over = false;
  void shutdown.run().then(() => {
    over = true;
  });
  return { workers, shutdown, isOver: () => over };
}

describe('the shutdown of all workers', () => {
  test('goes through each phase with all workers, each no longer than its limit', async () => {
    const { workers, shutdown, isOver } = begin({ lameDuckMs: 3000, tunnels: 'end' });
    await clock.advance(2999);
    assert.deepEqual(phases, ['drain_phase serving → lame_duck at 0']);
    for (const { told } of workers) assert.deepEqual(told, ['take leave at 0']);
    assert.deepEqual(shutdown.progress, { phase: 'lame_duck', leftMs: 1, exchanges: 0, tunnels: 0, connections: 0 });
    await clock.advance(1);
    for (const { told, plan } of workers) {
      assert.equal(told.at(-1), 'drain at 3000');
      assert.deepEqual(plan, { why: 'gateway_stopping', tunnels: 'end', idleMs: 250, hasSuccessor: false });
    }
    const [first] = workers;
    first?.drained();
    await clock.advance(9999);
    assert.equal(shutdown.progress.phase, 'draining', 'a worker still has a request in flight');
    await clock.advance(1);
    for (const { told } of workers) assert.deepEqual(told.slice(2), ['cut at 13000', 'terminate at 13000']);
    assert.ok(isOver());
    assert.deepEqual(
      phases.map((phase) => phase.split(' → ')[1]),
      ['lame_duck at 0', 'draining at 3000', 'force_closing at 13000', 'drained at 13000'],
    );
    assert.equal(clock.timersLive, 0);
  });

  test('is over as soon as no request is left', async () => {
    const { workers, isOver } = begin({});
    await clock.advance(500);
    for (const worker of workers) worker.drained();
    await clock.advance(0);
    assert.ok(isOver());
    assert.deepEqual(phases, ['drain_phase serving → draining at 0', 'drain_phase draining → drained at 500']);
    assert.equal(clock.timersLive, 0);
  });

  test('at once skips the rest of the lame-duck time and of the drain time', async () => {
    const { workers, isOver } = begin({ lameDuckMs: 60_000 });
    await clock.advance(1000);
    atOnce.resolve('the gateway ends at once (a second signal, SIGTERM)');
    await clock.advance(0);
    assert.ok(isOver());
    assert.match(
      reasons.at(-2) ?? '',
      /^the gateway ends at once \(a second signal, SIGTERM\): requests without a response get a 503/,
    );
    for (const { told } of workers)
      assert.deepEqual(told, ['take leave at 0', 'drain at 1000', 'cut at once at 1000', 'terminate at 1000']);
    assert.equal(clock.timersLive, 0);
  });

  test('does not wait for a worker that does not force close its requests', async () => {
    const { isOver } = begin({ timeoutMs: 1000 }, { answersCut: false });
    await clock.advance(2999);
    assert.ok(!isOver());
    await clock.advance(1);
    assert.ok(isOver());
    assert.equal(clock.timersLive, 0);
  });

  for (const [what, answersCut, closedAt] of [
    ['as soon as they have closed', true, 500],
    ['after a second, if a side does not close its own', false, 1500],
  ] as const)
    test(`at once, the applications behind WebSockets may end ${what}`, async () => {
      const { shutdown } = begin({}, { answersCut });
      let at: number | null = null;
      void shutdown.tunnelsClosed.then(() => {
        at = clock.now();
      });
      await clock.advance(500);
      assert.equal(at, null);
      atOnce.resolve('the gateway ends at once (a second signal, SIGINT)');
      await clock.advance(5000);
      assert.equal(at, closedAt);
      assert.equal(clock.timersLive, 0);
    });

  test('has no lame-duck time if a successor listens, and lets connections send a last request', async () => {
    const { workers } = begin({ lameDuckMs: 60_000 }, { hasSuccessor: true });
    await clock.advance(0);
    assert.deepEqual(phases, ['drain_phase serving → draining at 0']);
    for (const { plan } of workers) {
      assert.deepEqual(plan, { why: 'gateway_replaced', tunnels: 'wait', idleMs: 5000, hasSuccessor: true });
    }
  });

  test('gives idle connections no more time than the drain time', async () => {
    const { workers } = begin({ timeoutMs: 100 }, { count: 1 });
    await clock.advance(0);
    assert.equal(workers[0]?.plan?.idleMs, 100);
  });

  test('reports the requests and, apart from them, the tunnels of all workers that it waits for', async () => {
    const { workers, shutdown } = begin({});
    for (const worker of workers) {
      worker.exchangesActive = 3;
      worker.counts = { tunnelsActive: 1, clientConnections: 5 };
    }
    await clock.advance(4000);
    assert.deepEqual(shutdown.progress, { phase: 'draining', leftMs: 6000, exchanges: 4, tunnels: 2, connections: 10 });
  });
});
