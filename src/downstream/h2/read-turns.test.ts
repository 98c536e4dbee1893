import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { NextTurnListener, Transport } from '../../core/transport.ts';
import { SimulatedClock } from '../../testing/simulated-clock.ts';
import { WorkingClock } from '../../testing/working-clock.test-support.ts';
import { type ConnectionStrain, ReadTurns, type ReadTurnsOwner, StrainedTurns } from './read-turns.ts';

const REQUEST = 'R'.charCodeAt(0);

/** A connection whose slices are of one byte. `log` has what all connections of a test have read, in order. */
class Connection implements ReadTurnsOwner {
  isServing = true;
  isClosed = false;
  strain: ConnectionStrain = 'none';
  isCongested = false;
  isTurnFull = false;
  begun = 0;
  sliceMs = 0;
  isPaused = false;
  turnsRead = 0;
  flushMs = 0;
  /** The system has more. */
  hasMore = false;
  backlogMs: number[] = [];
  readonly turns: ReadTurns;
  readonly transport: Transport;
  readonly #log: string[];
  readonly spend: (ms: number) => void;

  constructor(
    log: string[],
    clock: SimulatedClock | WorkingClock,
    strained: StrainedTurns,
    nextTurns: NextTurnListener[] = [],
  ) {
    this.#log = log;
    this.spend = (ms) => clock.advanceSync(ms);
    this.transport = {
      pause: () => void (this.isPaused = true),
      resume: () => void (this.isPaused = false),
      hasUnread: () => this.hasMore,
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
    if (this.sliceMs > 0) this.spend(this.sliceMs);
    if (bytes[start] === REQUEST) this.begun++;
    return start + 1;
  }

  onTurnRead(): void {
    this.turnsRead++;
  }

  onBacklog(nearMs: number): void {
    this.backlogMs.push(nearMs);
  }

  flush(): void {
    if (this.flushMs > 0) this.spend(this.flushMs);
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

  it('makes enough work for a turn ends the turn', () => {
    const { log, connection, next } = made();
    connection.isTurnFull = true;
    connection.come('abcde');
    for (const turn of ['ab', 'cd', 'e']) {
      assert.equal(log.splice(0).join(''), turn);
      next();
    }
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
  const log: string[] = [];
  let clock: SimulatedClock;

  function made(texts: readonly string[]): readonly Connection[] {
    clock = new SimulatedClock();
    log.length = 0;
    const strained = new StrainedTurns();
    const all = texts.map(() => new Connection(log, clock, strained));
    for (const [index, connection] of all.entries()) {
      connection.strain = 'costly';
      connection.come(texts[index] as string);
    }
    return all;
  }

  it('have slices one after the other, 2 ms apart, and are not read in between', () => {
    const all = made(['ad', 'be', 'cf']);
    for (const expected of ['a', 'b', 'c', 'd', 'e', 'f']) {
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

  for (const [what, share, sliceMs, flushMs, strain, untilMs] of [
    ['slices', 'a tenth', 1, 0, 'costly', 90],
    ['answers to what they have sent', 'a tenth', 0, 1, 'costly', 90],
    ['slices', 'a hundredth', 0.2, 0, 'near_limit', 180],
    // No slice makes a longer pause than 25 ms, unless that is less than a tenth.
    ['slices', 'a twenty-sixth', 1, 0, 'near_limit', 234],
    ['slices', 'a tenth', 10, 0, 'near_limit', 900],
    ['slices', 'a fiftieth', 0.2, 0, 'after_flood', 90],
    ['slices', 'a twenty-sixth', 1, 0, 'after_flood', 234],
  ] as const)
    it(`${strain === 'costly' ? '' : strain === 'near_limit' ? 'near a limit ' : 'of an address that has flooded '}whose ${what} take ${sliceMs + flushMs} ms have ${share} of the time`, () => {
      const log: string[] = [];
      const working = new WorkingClock();
      const strained = new StrainedTurns();
      for (const text of ['abcdefgh', 'ijklmnop']) {
        const connection = new Connection(log, working, strained);
        Object.assign(connection, { strain, sliceMs, flushMs });
        connection.come(text);
      }
      while (working.now() < untilMs && working.fireNext());
      assert.equal(log.join(''), 'aibjckdlem');
    });

  it('pause for the exchanges that they begin, whose work comes later', () => {
    // Each row: what one connection sends, and what has been read of it 20 ms later.
    for (const [strain, text, read] of [
      ['costly', 'abcdefghijklmnop', 'abcdefghij'],
      ['costly', 'RRRRRRRRRRRRRRRR', 'RRRRRRRRR'],
      ['costly', 'aRbRcRdReRfRgRhR', 'aRbRcRdRe'],
      ['after_flood', 'RRRRRRRR', 'RR'],
      ['near_limit', 'RRRRRRRR', 'R'],
    ] as const) {
      const [connection = assert.fail()] = made([text]);
      connection.strain = strain;
      clock.advanceSync(20);
      assert.equal(log.join(''), read);
    }
  });

  it('do not wait for those that were closed meanwhile', () => {
    const all = made(Array.from({ length: 100 }, () => 'a'));
    for (const connection of all.slice(1, -1)) connection.isClosed = true;
    clock.advanceSync(4);
    assert.deepEqual(log, ['a', 'a']);
  });

  it('are read as all others once they are not strained any more', () => {
    const [connection = assert.fail()] = made(['abcd']);
    connection.strain = 'none';
    clock.advanceSync(2);
    assert.deepEqual([log.join(''), connection.isPaused], ['abcd', false]);
  });
});

describe('a connection near a limit that sends faster than it is read', () => {
  function made(): { readonly connection: Connection; readonly clock: SimulatedClock } {
    const clock = new SimulatedClock();
    const connection = new Connection([], clock, new StrainedTurns());
    connection.strain = 'near_limit';
    return { connection, clock };
  }

  it('is told how long it has done so, after some turns', () => {
    const { connection, clock } = made();
    connection.come('abcdefgh');
    clock.advanceSync(10);
    assert.deepEqual(connection.backlogMs, [0, 0, 0, 6, 8, 10]);
  });

  it('does so while the system has more, and begins anew once all is read', () => {
    const { connection, clock } = made();
    connection.hasMore = true;
    connection.come('abcd');
    clock.advanceSync(10);
    connection.come('efgh');
    clock.advanceSync(8);
    assert.equal(connection.backlogMs.at(-1), 18);
    connection.hasMore = false;
    clock.advanceSync(2);
    connection.come('i');
    clock.advanceSync(4);
    connection.backlogMs = [];
    connection.come('abcdefgh');
    clock.advanceSync(6);
    assert.deepEqual(connection.backlogMs, [0, 0, 0, 6]);
  });

  it('does so still after a turn that began when the limit was not near', () => {
    const { connection, clock } = made();
    connection.hasMore = true;
    connection.come('abcdef');
    connection.strain = 'none';
    clock.advanceSync(2);
    connection.strain = 'near_limit';
    for (let turn = 0; turn < 5; turn++) {
      connection.come('g');
      clock.advanceSync(2);
    }
    assert.ok((connection.backlogMs.at(-1) ?? 0) > 4);
  });

  it('has left the limit behind when many turns have ended without it', () => {
    const { connection, clock } = made();
    connection.hasMore = true;
    connection.come('a');
    clock.advanceSync(4);
    connection.strain = 'none';
    for (let turn = 0; turn < 64; turn++) connection.come('b');
    connection.strain = 'near_limit';
    connection.backlogMs = [];
    clock.advanceSync(1000);
    connection.come('abcdefgh');
    clock.advanceSync(6);
    assert.deepEqual(connection.backlogMs, [0, 0, 0, 6]);
  });
});

describe('a connection that is not served any more', () => {
  it('is read once in a turn of the strained ones, and what comes is forgotten', () => {
    const log: string[] = [];
    const clock = new SimulatedClock();
    const connection = new Connection(log, clock, new StrainedTurns());
    connection.isServing = false;
    for (let turn = 0; turn < 3; turn++) {
      connection.come('abc');
      assert.equal(connection.isPaused, true, 'one read');
      connection.come('of the same event');
      clock.advanceSync(1);
      assert.equal(connection.isPaused, true);
      clock.advanceSync(1);
      assert.equal(connection.isPaused, false, 'the next one');
    }
    assert.deepEqual([log, connection.turns.hasUnread], [[], false]);
  });

  it('takes no slice of a strained one, however many of them are sent to', () => {
    const log: string[] = [];
    const clock = new SimulatedClock();
    const strained = new StrainedTurns();
    const served = new Connection(log, clock, strained);
    served.strain = 'costly';
    const others = Array.from({ length: 200 }, () => new Connection(log, clock, strained));
    // Half of them end while they wait for a slice.
    for (const [index, other] of others.entries()) {
      if (index % 2 === 0) other.strain = 'costly';
      else other.isServing = false;
      other.come('x');
      other.isServing = false;
    }
    served.come('abcdefghijklmnopqrstuvwxyz');
    let reads = 0;
    for (let slice = 0; slice < 25; slice++) {
      clock.advanceSync(2);
      for (const other of others)
        if (!other.isPaused) {
          reads++;
          other.come('x');
        }
    }
    assert.equal(log.join(''), 'abcdefghijklmnopqrstuvwxy');
    assert.equal(reads, 200, 'eight of them beside each slice');
    assert.equal(others.filter(({ turns }) => turns.hasUnread).length, 0);
  });
});
