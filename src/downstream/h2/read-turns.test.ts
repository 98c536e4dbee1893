import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { NextTurnListener, Transport } from '../../core/transport.ts';
import { SimulatedClock } from '../../testing/simulated-clock.ts';
import { ReadTurns, type ReadTurnsOwner, StrainedTurns } from './read-turns.ts';

/** A connection whose slices are of one byte. `log` has what all connections of a test have read, in order. */
class Connection implements ReadTurnsOwner {
  isServing = true;
  isStrained = false;
  isCongested = false;
  sliceMs = 0;
  isPaused = false;
  turnsRead = 0;
  readonly turns: ReadTurns;
  readonly transport: Transport;
  readonly #log: string[];
  readonly #clock: SimulatedClock;

  constructor(log: string[], clock: SimulatedClock, strained: StrainedTurns, nextTurns: NextTurnListener[] = []) {
    this.#log = log;
    this.#clock = clock;
    this.transport = {
      pause: () => void (this.isPaused = true),
      resume: () => void (this.isPaused = false),
      notifyNextTurn: (listener: NextTurnListener) => void nextTurns.push(listener),
    } as Partial<Transport> as Transport;
    this.turns = new ReadTurns(this, clock, strained);
  }

  come(text: string): void {
    const bytes = Buffer.from(`..${text}`);
    this.turns.onBytes(bytes, 2, bytes.length);
    bytes.fill(0xdb); // They were lent.
  }

  readSlice(bytes: Uint8Array, start: number): number {
    this.#log.push(String.fromCharCode(bytes[start] as number));
    if (this.sliceMs > 0) this.#clock.advanceSync(this.sliceMs);
    return start + 1;
  }

  onTurnRead(): void {
    this.turnsRead++;
  }
}

describe('a connection whose read', () => {
  function made(): { log: string[]; connection: Connection; next: () => boolean } {
    const log: string[] = [];
    const nextTurns: NextTurnListener[] = [];
    const connection = new Connection(log, new SimulatedClock(), new StrainedTurns(), nextTurns);
    const next = (): boolean => {
      const first = nextTurns.shift();
      first?.onNextTurn();
      return first !== undefined;
    };
    return { log, connection, next };
  }

  // What is read in each turn, by how long a slice of one byte takes.
  const rows: readonly (readonly [sliceMs: number, text: string, turns: readonly string[]])[] = [
    [0, 'a', ['a']],
    [0, 'abcdefgh', ['abcdefgh']],
    [0, 'abcdefghijklmnopqr', ['abcdefgh', 'ijklmnop', 'qr']],
    [0.2, 'abcdefghijkl', ['abcd', 'efgh', 'ijkl']],
    [0.6, 'abcde', ['ab', 'cd', 'e']],
    [9, 'abc', ['ab', 'c']],
  ];
  for (const [sliceMs, text, turns] of rows)
    it(`has ${text.length} slices of ${sliceMs} ms has ${turns.length} turns of the event loop`, () => {
      const { log, connection, next } = made();
      connection.sliceMs = sliceMs;
      connection.come(text);
      for (const turn of turns) {
        assert.equal(log.splice(0).join(''), turn);
        assert.equal(connection.isPaused, turn !== turns.at(-1), 'the socket is read when all before it is');
        next();
      }
      assert.deepEqual([log, connection.turnsRead, connection.turns.hasUnread], [[], turns.length, false]);
    });

  it('comes while an earlier one waits is read behind it', () => {
    const { log, connection, next } = made();
    connection.come('abcdefghij');
    connection.come('kl');
    while (next());
    assert.equal(log.join(''), 'abcdefghijkl');
  });

  it('ends the connection is not read on', () => {
    const { log, connection, next } = made();
    connection.come('abcdefghij');
    connection.isServing = false;
    while (next());
    assert.equal(log.join(''), 'abcdefgh');
  });

  it('is answered faster than the client reads pauses, until the client has read', () => {
    const { connection } = made();
    connection.isCongested = true;
    connection.come('a');
    assert.equal(connection.isPaused, true);
    connection.isCongested = false;
    connection.turns.resume();
    assert.equal(connection.isPaused, false);
  });
});

describe('strained connections', () => {
  it('have slices one after the other, 2 ms apart, and are not read in between', () => {
    const log: string[] = [];
    const clock = new SimulatedClock();
    const strained = new StrainedTurns();
    const all = Array.from({ length: 3 }, () => new Connection(log, clock, strained));
    for (const [index, connection] of all.entries()) {
      connection.isStrained = true;
      connection.come(['ad', 'be', 'cf'][index] as string);
    }
    assert.equal(log.splice(0).join(''), 'abc', 'each has its first slice');
    for (const expected of ['d', 'e', 'f']) {
      assert.ok(all.every(({ isPaused }) => isPaused));
      clock.advanceSync(1);
      assert.deepEqual(log, []);
      clock.advanceSync(1);
      assert.equal(log.splice(0).join(''), expected);
    }
    clock.advanceSync(6);
    assert.ok(
      all.every(({ isPaused }) => !isPaused),
      'a turn without bytes reads the socket again',
    );
  });

  it('do not wait for those that were closed meanwhile', () => {
    const log: string[] = [];
    const clock = new SimulatedClock();
    const strained = new StrainedTurns();
    const all = Array.from({ length: 100 }, () => new Connection(log, clock, strained));
    for (const connection of all) {
      connection.isStrained = true;
      connection.come('ab');
    }
    log.splice(0);
    for (const connection of all.slice(1, -1)) connection.isServing = false;
    clock.advanceSync(4);
    assert.deepEqual(log, ['b', 'b']);
  });

  it('are read as all others once they are not strained any more', () => {
    const log: string[] = [];
    const clock = new SimulatedClock();
    const connection = new Connection(log, clock, new StrainedTurns());
    connection.isStrained = true;
    connection.come('abcd');
    connection.isStrained = false;
    clock.advanceSync(2);
    assert.deepEqual([log.join(''), connection.isPaused], ['abcd', false]);
  });
});
