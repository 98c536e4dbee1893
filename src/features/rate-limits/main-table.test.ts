import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ratePolicy } from '../../limits/gcra.ts';
import { SeededRandom } from '../../testing/seeded-random.ts';
import { SimulatedClock } from '../../testing/simulated-clock.ts';
import { RateMemory } from './main-table.ts';
import { ratesMax } from './settings.ts';

const spec = { rate: { requests: 1, periodMs: 3_600_000, written: '1/1h' }, burst: 1 };

class World {
  readonly clock = new SimulatedClock();
  readonly memory: RateMemory;

  constructor(seed: string) {
    const random = new SeededRandom(seed);
    this.memory = new RateMemory({ clock: this.clock, random, stateFolder: null, entries: 2 ** 15 });
  }

  take(key: string): boolean {
    const policy = { ...ratePolicy(1, 3_600_000, 1), number: this.memory.numberOf(spec), salt: 7 };
    return this.memory.table.take(policy, key, 1, this.clock.now()) >= 0;
  }
}

describe('the memory of limits', () => {
  it('takes many keys to the next process in turns, and what they use there meanwhile counts too', () => {
    const [before, next] = [new World('before'), new World('next')];
    const keys = Array.from({ length: 12_000 }, (_, index) => `key ${index}`);
    assert.ok(keys.every((key) => before.take(key)));
    next.memory.import(before.memory.export() ?? assert.fail('there is something to export'));
    assert.ok(
      keys.some((key) => next.take(key)),
      'some have not come yet',
    );
    next.clock.advanceSync(100);
    assert.ok(keys.every((key) => !next.take(key)));
  });

  it('tells the next process what it counts while that serves already, and each of it once', () => {
    const hourly = { rate: { requests: 20, periodMs: 3_600_000, written: '20/1h' }, burst: 20 };
    const [before, next] = [new World('before'), new World('next')];
    const take = ({ memory, clock }: World, key: string): boolean => {
      const policy = { ...ratePolicy(20, 3_600_000, 20), number: memory.numberOf(hourly), salt: 7 };
      return memory.table.take(policy, key, 1, clock.now()) >= 0;
    };
    const admits = (world: World, key: string, most = 99): number => {
      let count = 0;
      while (count < most && take(world, key)) count += 1;
      return count;
    };
    const tell = (): void => {
      const more = before.memory.exportMore();
      if (more !== null) next.memory.import(more);
    };
    assert.equal(admits(before, 'a', 5), 5);
    next.memory.import(before.memory.export() ?? assert.fail('there is something to export'));
    assert.equal(before.memory.exportMore(), null);
    // Both serve: the one what has come to it before, the other what is new.
    assert.equal(admits(before, 'a', 4) + admits(before, 'new', 3) + admits(next, 'a', 2), 9);
    tell();
    before.clock.advanceSync(50);
    next.clock.advanceSync(50);
    assert.equal(admits(before, 'a', 1), 1);
    tell();
    tell();
    assert.deepEqual([admits(next, 'a'), admits(next, 'new')], [8, 17]);
  });

  it('exports nothing where nothing is used, and takes nothing of a form that it does not know', () => {
    const world = new World('one');
    assert.equal(world.memory.export(), null);
    world.memory.import({ version: 99, bytes: new Uint8Array(1) });
    assert.equal(world.take('a'), true);
  });

  it('keeps what it has counted where the process before had another key', () => {
    const [before, next] = [new World('before'), new World('next')];
    before.take('a');
    next.take('b');
    next.memory.import(before.memory.export() ?? assert.fail('there is something to export'));
    assert.equal(next.take('b'), false);
  });

  it('gives the numbers of rates that are not used any more to new ones', () => {
    const world = new World('one');
    const numbers = Array.from({ length: 3 * ratesMax }, (_, index) => {
      const used = world.memory.numberOf(spec);
      const other = world.memory.numberOf({ ...spec, burst: 2 + index });
      assert.notEqual(other, used);
      return other;
    });
    assert.ok(Math.max(...numbers) <= ratesMax);
    assert.equal(world.memory.numberOf(spec), 1);
  });
});
