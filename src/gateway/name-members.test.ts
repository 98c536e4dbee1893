import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { drainMs } from '../core/drain.ts';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import { NameMembers } from './name-members.ts';

const ways = (...addresses: string[]) => addresses.map((address) => ({ address, otherWay: null }));

const any = (): boolean => true;

function world() {
  const clock = new SimulatedClock();
  let gone = 0;
  const members = new NameMembers(clock, () => gone++);
  const ready = new Set<string>();
  const release = (): boolean => members.release(({ address }) => ready.has(address));
  const standings = (): string[] => members.all.map(({ address, standing }) => `${address} ${standing}`);
  return { clock, members, ready, release, standings, gone: () => gone };
}

describe('the addresses of a name', () => {
  it('that it no longer leads to stay until a new one is ready, then drain, then are gone', () => {
    const { clock, members, ready, release, standings, gone } = world();
    members.update(ways('a'), any);
    ready.add('a');
    members.update(ways('b'), any);
    release();
    assert.deepEqual(standings(), ['b current', 'a kept']);
    ready.add('b');
    release();
    assert.deepEqual(standings(), ['b current', 'a draining']);
    clock.advanceSync(drainMs);
    assert.deepEqual([standings(), gone(), clock.timersLive], [['b current'], 1, 0]);
  });

  it('go at once where they were not ready themselves', () => {
    const { members, release, standings } = world();
    members.update(ways('a'), any);
    members.update(ways('b'), any);
    release();
    assert.deepEqual(standings(), ['b current', 'a draining']);
  });

  it('stay, ready or not, while the name leads to nothing that may be connected to', () => {
    const { members, release, standings } = world();
    members.update(ways('a'), any);
    members.update([], any);
    release();
    assert.deepEqual(standings(), ['a kept']);
  });

  it('drain at once where they may no longer be connected to, and their other way is forgotten', () => {
    const { members, ready, release, standings } = world();
    members.update(
      [
        { address: 'a', otherWay: null },
        { address: 'b', otherWay: 'c' },
      ],
      any,
    );
    ready.add('a').add('b');
    members.update([], (address) => address === 'b');
    release();
    assert.deepEqual(standings(), ['b kept', 'a draining']);
    assert.equal(members.all[0]?.otherWay, null);
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
