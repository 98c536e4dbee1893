import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { drainMs } from '../core/drain.ts';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import { TrackedAddresses } from './tracked-addresses.ts';

const ways = (...addresses: string[]) => addresses.map((address) => ({ address, secondAddress: null }));

const any = (): boolean => true;

function world() {
  const clock = new SimulatedClock();
  let gone = 0;
  const members = new TrackedAddresses(clock, () => gone++);
  const ready = new Set<string>();
  const release = (): boolean => members.release(({ address }) => ready.has(address));
  const states = (): string[] => members.all.map(({ address, state }) => `${address} ${state}`);
  return { clock, members, ready, release, standings: states, gone: () => gone };
}

describe('the addresses of a name', () => {
  it('that it no longer resolves to stay until a new one is ready, then drain, then are gone', () => {
    const { clock, members, ready, release, standings, gone } = world();
    members.update(ways('a'), any);
    ready.add('a');
    members.update(ways('b'), any);
    release();
    assert.deepEqual(standings(), ['b current', 'a previous']);
    ready.add('b');
    release();
    assert.deepEqual(standings(), ['b current', 'a draining']);
    clock.advanceSync(drainMs);
    assert.deepEqual([standings(), gone(), clock.timersLive], [['b current'], 1, 0]);
  });

  it('drain at once where they were not ready themselves', () => {
    const { members, release, standings } = world();
    members.update(ways('a'), any);
    members.update(ways('b'), any);
    release();
    assert.deepEqual(standings(), ['b current', 'a draining']);
  });

  it('stay, ready or not, while the name resolves to no address that is allowed', () => {
    const { members, release, standings } = world();
    members.update(ways('a'), any);
    members.update([], any);
    release();
    assert.deepEqual(standings(), ['a previous']);
  });

  it('drain at once where they have become prohibited, and their second address is forgotten', () => {
    const { members, ready, release, standings } = world();
    members.update(
      [
        { address: 'a', secondAddress: null },
        { address: 'b', secondAddress: 'c' },
      ],
      any,
    );
    ready.add('a').add('b');
    members.update([], (address) => address === 'b');
    release();
    assert.deepEqual(standings(), ['b previous', 'a draining']);
    assert.equal(members.all[0]?.secondAddress, null);
  });

  it('may come back while they drain', () => {
    const { clock, members, ready, release, standings, gone } = world();
    members.update(ways('a', 'b'), any);
    ready.add('a').add('b');
    members.update(ways('b'), any);
    release();
    clock.advanceSync(drainMs - 1);
    members.update(ways('a', 'b'), any);
    clock.advanceSync(drainMs);
    assert.deepEqual([standings().toSorted(), gone()], [['a current', 'b current'], 0]);
  });

  it('leave no timer behind', () => {
    const { clock, members, release } = world();
    members.update(ways('a'), any);
    members.update(ways('b'), any);
    release();
    members.stop();
    assert.equal(clock.timersLive, 0);
  });
});
