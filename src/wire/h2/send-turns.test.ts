import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from '../../../test/properties.ts';
import { SendTurns } from './session-sender.ts';
import { SessionStream, type StreamListener } from './session-stream.ts';

const listener = {} as StreamListener;

function streamOf(id: number, priority = ''): SessionStream {
  const stream = new SessionStream(id, 0, 0, listener);
  stream.prioritize(priority);
  return stream;
}

/** The ids of the streams in the order of `count` turns. */
function order(
  streams: readonly SessionStream[],
  count: number,
  canSend: (id: number) => boolean = () => true,
): number[] {
  const turns = new SendTurns();
  for (const stream of streams) turns.add(stream);
  return Array.from({ length: count }, () => {
    const next = turns.next(({ id }) => canSend(id));
    if (next !== null) turns.endTurn(next);
    return next?.id ?? 0;
  });
}

describe('turns of streams (RFC 9218 §10)', () => {
  const cases: readonly [name: string, priorities: readonly string[], expected: readonly number[]][] = [
    ['without a word the oldest goes first', ['', '', ''], [1, 1, 1]],
    ['the most urgent goes first', ['u=5', 'u=0', 'u=3'], [3, 3, 3]],
    ['3 is the usual urgency', ['u=4', '', 'u=2'], [5, 5, 5]],
    ['those that can be used in parts take turns', ['i', 'i', 'i'], [1, 3, 5, 1, 3, 5]],
    ['only with those of the same urgency', ['i, u=2', 'i', 'u=2, i'], [1, 5, 1, 5]],
    ['one that cannot be used in parts is not behind them for ever', ['i', ''], [1, 3, 3]],
  ];
  for (const [name, priorities, expected] of cases)
    it(name, () => {
      const streams = priorities.map((priority, index) => streamOf(2 * index + 1, priority));
      assert.deepEqual(order(streams, expected.length), expected);
    });

  it('every other turn is for those that have a head start, the oldest of them first', () => {
    const streams = [1, 3, 5, 7].map((id) => streamOf(id));
    for (const stream of streams.slice(2)) stream.headStart = 1;
    assert.deepEqual(order(streams, 4), [5, 1, 5, 1]);
    const urgent = streamOf(9, 'u=0');
    assert.deepEqual(order([...streams, urgent], 2), [9, 9]);
  });

  it('those whose window is shut lose their turn and nothing else', () => {
    const streams = [streamOf(1, 'u=0'), streamOf(3, 'i'), streamOf(5, 'i')];
    assert.deepEqual(
      order(streams, 3, (id) => id !== 1),
      [3, 5, 3],
    );
    assert.deepEqual(
      order(streams, 1, () => false),
      [0],
    );
  });

  it('nobody is there twice, and nobody after it has left', () => {
    const turns = new SendTurns();
    const stream = streamOf(1);
    turns.add(stream);
    turns.add(stream);
    turns.remove(stream);
    assert.equal(
      turns.next(() => true),
      null,
    );
    turns.remove(stream);
  });

  it('of any streams that can be used in parts none starves within its urgency', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 7 }), { minLength: 1, maxLength: 20 }), (urgencies) => {
        const streams = urgencies.map((urgency, index) => streamOf(2 * index + 1, `u=${urgency}, i`));
        const first = Math.min(...urgencies);
        const equals = streams.filter(({ urgency }) => urgency === first);
        const seen = order(streams, equals.length * 3);
        for (const { id } of equals) assert.equal(seen.filter((one) => one === id).length, 3);
      }),
    );
  });
});

describe('the Priority field (RFC 9218 §4)', () => {
  const cases: readonly [value: string, urgency: number, incremental: boolean][] = [
    ['', 3, false],
    ['u=0', 0, false],
    ['u=7, i', 7, true],
    ['i, u=1', 1, true],
    ['i=?1', 3, true],
    ['i=?0', 3, false],
    ['u=8', 3, false],
    ['u=-1', 3, false],
    ['u=1.0', 3, false],
    ['u="1"', 3, false],
    ['i=1', 3, false],
    ['x=1, u=2', 2, false],
    [',,=;', 3, false],
  ];
  for (const [value, urgency, incremental] of cases)
    it(`"${value}" is urgency ${urgency}${incremental ? ', in parts' : ''}`, () => {
      const stream = streamOf(1, value);
      assert.deepEqual([stream.urgency, stream.incremental], [urgency, incremental]);
    });
});
