import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { localSemaphoreSource } from '../../../core/local-semaphore.ts';
import { PoolClasses } from '../../../core/pool-classes.ts';
import { after } from '../../../core/time.ts';
import { SimulatedClock } from '../../../testing/simulated-clock.ts';
import { type Check, CheckQueue, waitingMax } from './worker-check-queue.ts';

/** Checks take 50 ms each of simulated time. */
class World {
  readonly clock = new SimulatedClock();
  readonly pool = new PoolClasses((index, onAvailable) => localSemaphoreSource.pool(index, onAvailable), 4, this.clock);
  readonly queue = new CheckQueue(this.pool.of('hash'), this.clock);
  readonly begun: string[] = [];
  readonly ended: string[] = [];
  running = 0;

  add(address: string, name: string, isRight = true): Check {
    const check: Check = {
      address,
      run: async () => {
        this.begun.push(name);
        assert.equal(++this.running, 1, 'one at a time');
        await new Promise<void>((resolve) => this.clock.schedule(after(this.clock.now(), 50), resolve, undefined));
        this.running--;
        return isRight;
      },
      onDone: (result) => void this.ended.push(`${name} ${result}`),
    };
    this.queue.add(check);
    return check;
  }

  async pass(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += 10) {
      await this.clock.advance(10);
      await new Promise(setImmediate);
    }
  }
}

describe('the queue of password checks', () => {
  it('lets addresses take turns: who asks once waits for one check of each other address', async () => {
    const world = new World();
    for (let index = 0; index < 20; index++) world.add('192.0.2.1', `flood ${index}`);
    world.add('198.51.100.7', 'ada');
    world.add('2001:db8::1', 'bob');
    world.add('2001:db8::2', 'of the same network');
    await world.pass(300);
    assert.deepEqual(world.begun.slice(0, 5), ['flood 0', 'flood 1', 'ada', 'bob', 'flood 2']);
  });

  it('is full for the address that waits for most', async () => {
    const world = new World();
    for (let index = 0; index < 500; index++) world.add('192.0.2.1', `flood ${index}`);
    assert.equal(world.queue.waiting, waitingMax);
    assert.equal(world.ended.length, 500 - waitingMax - 1);
    assert.ok(world.ended.every((end) => /^flood \d+ busy$/.test(end)));
    world.add('198.51.100.7', 'ada');
    assert.equal(world.queue.waiting, waitingMax);
    await world.pass(200);
    assert.ok(world.ended.includes('ada true'));
  });

  it('keeps no check that nobody waits for', async () => {
    const world = new World();
    const first = world.add('192.0.2.1', 'first');
    const second = world.add('192.0.2.1', 'second');
    assert.deepEqual([world.queue.cancel(first), world.queue.cancel(second)], [false, true]);
    await world.pass(200);
    assert.deepEqual([world.begun, world.queue.waiting], [['first'], 0]);
    assert.equal(world.queue.cancel(first), false);
  });

  it('says when there will be room', async () => {
    const world = new World();
    for (let index = 0; index < 33; index++) world.add('192.0.2.1', `${index}`);
    assert.equal(world.queue.retryAfterS, 2);
    await world.pass(1700);
    assert.deepEqual([world.queue.waiting, world.queue.retryAfterS], [0, 1]);
  });

  it('lets others log in while a client sends 500 passwords each second', async () => {
    const world = new World();
    const seconds = 10;
    for (let ms = 0; ms < seconds * 1000; ms += 10) {
      for (let index = 0; index < 5; index++) world.add('192.0.2.1', `flood ${ms} ${index}`, false);
      if (ms % 150 === 0) world.add(`198.51.100.${(ms / 150) % 50}`, `login ${ms}`);
      await world.pass(10);
    }
    await world.pass(200);
    const logins = world.ended.filter((end) => /^login \d+ true$/.test(end)).length;
    assert.equal(logins, Math.ceil((seconds * 1000) / 150), 'none of them was turned away');
    assert.ok(!world.ended.some((end) => /^login \d+ busy$/.test(end)));
  });

  it('lets others log in while somebody with an account floods', async () => {
    const world = new World();
    for (let ms = 0; ms < 3000; ms += 10) {
      for (let index = 0; index < 5; index++) world.add('192.0.2.1', `flood ${ms} ${index}`);
      if (ms % 300 === 0) world.add(`198.51.100.${ms / 300}`, `login ${ms}`);
      await world.pass(10);
    }
    await world.pass(200);
    assert.equal(world.ended.filter((end) => /^login \d+ true$/.test(end)).length, 10);
  });

  it('lets in users of addresses that it knows while passwords are tried from thousands of others', async () => {
    const world = new World();
    world.add('198.51.100.7', 'first login');
    await world.pass(100);
    for (let ms = 0; ms < 3000; ms += 10) {
      for (let index = 0; index < 5; index++) world.add(`203.0.${ms % 250}.${index}`, `guess ${ms} ${index}`, false);
      if (ms % 500 === 0) world.add('198.51.100.7', `login ${ms}`);
      await world.pass(10);
    }
    await world.pass(200);
    const logins = world.ended.filter((end) => /^login \d+ true$/.test(end)).length;
    assert.deepEqual([logins, world.ended.some((end) => /^login \d+ busy$/.test(end))], [6, false]);
    assert.ok(world.ended.filter((end) => /^guess .* false$/.test(end)).length > 30, 'others have their turns too');
  });

  it('goes on after a check that breaks', async () => {
    const world = new World();
    const broken: string[] = [];
    world.queue.add({
      address: '192.0.2.1',
      run: () => Promise.reject(new Error('no memory')),
      onDone: (result) => void broken.push(String(result)),
    });
    world.add('192.0.2.1', 'next');
    await world.pass(100);
    assert.deepEqual([broken, world.ended], [['broken'], ['next true']]);
  });
});
