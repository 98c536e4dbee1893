import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from '../../test/properties.ts';
import type { WorkerCounts } from '../core/counters.ts';
import type { Instant } from '../core/time.ts';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import { type Readiness, ReadyQueue } from './ready-queue.ts';

class World {
  readonly clock = new SimulatedClock();
  readonly counts = { readyWaiters: 0, readyWaitsTotal: 0 } as WorkerCounts;
  readiness: Readiness = 'not_yet';
  /** Who was told what, in order. */
  readonly told: string[] = [];
  earliest = 0;
  readonly queue = new ReadyQueue(this.clock, this.counts, {
    readiness: () => this.readiness,
    earliestReturn: () => this.earliest as Instant,
  });

  join(name: string, limitMs: number, onReady: () => void = () => {}): { cancel(): void } {
    const tell = (what: string): void => void this.told.push(`${name} ${what}`);
    return this.queue.join(
      {
        onReady: () => {
          tell('ready');
          onReady();
        },
        onNotReady: () => tell('not ready'),
      },
      limitMs,
    );
  }
}

describe('requests that wait for an endpoint', () => {
  const rows: readonly (readonly [readiness: Readiness, afterOneLook: readonly string[], waiting: number])[] = [
    ['ready', ['a ready', 'b ready', 'c ready'], 0],
    ['full', [], 3],
    ['one', ['a ready'], 2],
    ['not_yet', [], 3],
    ['hopeless', ['a not ready', 'b not ready', 'c not ready'], 0],
  ];
  for (const [readiness, told, waiting] of rows)
    it(`are told in their order what "${readiness}" means for them, at the next look`, () => {
      const world = new World();
      for (const name of ['a', 'b', 'c']) world.join(name, 1000);
      world.readiness = readiness;
      assert.deepEqual(world.told, [], 'not within the call');
      world.clock.advanceSync(25);
      assert.deepEqual(world.told, told);
      assert.deepEqual(
        [world.queue.length, world.counts.readyWaiters, world.counts.readyWaitsTotal],
        [waiting, waiting, 3],
      );
    });

  it('are told at once when no endpoint can be ready before their time ends, and the others wait on', () => {
    const world = new World();
    world.join('a', 1000);
    world.join('b', 3000);
    world.earliest = world.clock.now() + 2000;
    world.clock.advanceSync(25);
    assert.deepEqual([world.told, world.queue.length], [['a not ready'], 1]);
    world.readiness = 'ready';
    world.clock.advanceSync(25);
    assert.deepEqual(world.told, ['a not ready', 'b ready']);
  });

  it('go on as far as an endpoint has room for them, and the others at a later look', () => {
    const world = new World();
    world.readiness = 'ready';
    for (const name of ['a', 'b', 'c', 'd']) {
      world.join(name, 1000, () => void (world.readiness = name === 'b' ? 'full' : 'ready'));
    }
    world.clock.advanceSync(25);
    assert.deepEqual(world.told, ['a ready', 'b ready']);
    world.readiness = 'ready';
    world.clock.advanceSync(25);
    assert.deepEqual(world.told, ['a ready', 'b ready', 'c ready', 'd ready']);
  });

  it('go on when their time is over although an endpoint has no room, which then says so', () => {
    const world = new World();
    world.join('a', 100);
    world.readiness = 'full';
    world.clock.advanceSync(200);
    assert.deepEqual(world.told, ['a ready']);
  });

  it('are told at once when endpoints have changed', () => {
    const world = new World();
    world.join('a', 1000);
    world.readiness = 'ready';
    world.queue.look();
    assert.deepEqual([world.told, world.clock.timersLive], [['a ready'], 0]);
  });

  it('wait no longer than their limit, each by itself', () => {
    const world = new World();
    world.join('long', 200);
    world.clock.advanceSync(10);
    world.join('short', 60);
    assert.equal(world.queue.oldestSince, 0);
    world.clock.advanceSync(100);
    assert.deepEqual(world.told, ['short not ready']);
    world.clock.advanceSync(100);
    assert.deepEqual(world.told, ['short not ready', 'long not ready']);
    assert.deepEqual([world.queue.oldestSince, world.clock.timersLive], [null, 0]);
  });

  it('may join again when they are told, and wait for the next look', () => {
    const world = new World();
    world.join('a', 1000, () => void world.join('again', 1000));
    world.readiness = 'ready';
    world.queue.look();
    assert.deepEqual([world.told, world.queue.length], [['a ready'], 1]);
    world.clock.advanceSync(25);
    assert.deepEqual(world.told, ['a ready', 'again ready']);
  });

  it('are not told any more when another one cancels them as it is told', () => {
    const world = new World();
    world.join('a', 1000, () => other.cancel());
    const other = world.join('b', 1000);
    world.readiness = 'ready';
    world.queue.look();
    assert.deepEqual([world.told, world.queue.length], [['a ready'], 0]);
  });

  it('are told once or cancelled, never both, and leave no timer', () => {
    const step = fc.oneof(
      fc.record({ join: fc.integer({ min: 0, max: 120 }) }),
      fc.record({ cancel: fc.nat(20) }),
      fc.record({ pass: fc.integer({ min: 1, max: 60 }) }),
      fc.record({ readiness: fc.constantFrom<Readiness>('ready', 'one', 'not_yet', 'hopeless') }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40, size: 'max' }), (steps) => {
        const world = new World();
        const joined: { cancel(): void }[] = [];
        const cancelled = new Set<number>();
        for (const one of steps) {
          if ('join' in one) joined.push(world.join(String(joined.length), one.join));
          else if ('pass' in one) world.clock.advanceSync(one.pass);
          else if ('readiness' in one) world.readiness = one.readiness;
          else if (one.cancel < joined.length && !world.told.some((line) => line.startsWith(`${one.cancel} `))) {
            joined[one.cancel]?.cancel();
            joined[one.cancel]?.cancel();
            cancelled.add(one.cancel);
          }
          assert.equal(world.queue.length, world.counts.readyWaiters);
          assert.equal(world.clock.timersLive, world.queue.length > 0 ? 1 : 0);
        }
        world.readiness = 'not_yet';
        world.clock.advanceSync(200);
        const told = world.told.map((line) => Number(line.split(' ')[0]));
        assert.deepEqual(
          told.toSorted((a, b) => a - b),
          joined.map((_, index) => index).filter((index) => !cancelled.has(index)),
        );
        assert.deepEqual([world.queue.length, world.clock.timersLive], [0, 0]);
      }),
    );
  });
});
