import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SeededRandom } from '../../../testing/seeded-random.ts';
import { SimulatedClock } from '../../../testing/simulated-clock.ts';
import { Users } from './worker-users.ts';

const argon = '$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4';
const scrypt = '$scrypt$ln=4,r=8,p=1$c29tZXNhbHQ$wKLPjjH51tEiT1Z0Ai0iVXqFbblw+1TqXHd+ayLW4mA';
const bcrypt = `$2y$10$${'a'.repeat(53)}`;

function usersOf(seed: string, ...lines: string[]): { users: Users; clock: SimulatedClock } {
  const clock = new SimulatedClock();
  return { users: new Users(lines.join('\n'), new SeededRandom(seed), clock), clock };
}

describe('the users of a file', () => {
  it('have their own hash, and unknown names that of a user, which is never theirs', () => {
    const { users } = usersOf('a worker', `ada:${argon}`);
    assert.deepEqual([users.hashOf('ada')?.isUser, users.hashOf('ada')?.hash.kind], [true, 'argon2']);
    assert.deepEqual([users.hashOf('eve')?.isUser, users.hashOf('eve')?.hash.kind], [false, 'argon2']);
  });

  it('do not show by the cost of a check which names there are, also with hashes of several kinds', () => {
    const lines = [`ada:${argon}`, `bob:${scrypt}`, `carol:${bcrypt}`];
    const { users } = usersOf('a worker', ...lines);
    const names = Array.from({ length: 300 }, (_, index) => `nobody-${index}`);
    const kinds = names.map((name) => users.hashOf(name)?.hash.kind);
    for (const kind of ['argon2', 'scrypt', 'bcrypt'])
      assert.ok(
        Math.abs(kinds.filter((one) => one === kind).length - 100) < 40,
        `${kind} is as frequent as among users`,
      );
    const other = usersOf('another worker', ...lines);
    assert.deepEqual(
      names.map((name) => other.users.hashOf(name)?.hash.kind),
      kinds,
      'a name always costs the same, whichever worker is asked',
    );
  });

  it('are remembered for a minute, the wrong ones apart from the right ones, as hashes with a key of the worker', () => {
    const { users, clock } = usersOf('a worker', `ada:${argon}`);
    const id = users.idOf({ name: 'ada', password: 'kanarie' });
    assert.doesNotMatch(id, /kanarie/);
    assert.notEqual(id, usersOf('a worker', `ada:${argon}`).users.idOf({ name: 'ad', password: 'a\0kanarie' }));
    assert.equal(users.known(id), null);
    users.keep(id, true);
    for (let index = 0; index < 10_000; index++) users.keep(`wrong ${index}`, false);
    assert.deepEqual([users.known(id), users.known('wrong 9999'), users.known('wrong 1')], [true, false, null]);
    clock.advanceSync(60_001);
    assert.deepEqual([users.known(id), users.known('wrong 9999')], [null, null]);
  });
});
