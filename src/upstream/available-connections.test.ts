import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Instant } from '../core/time.ts';
import { LearnedIdleLimit } from './available-connections.ts';

const at = (ms: number): Instant => ms as Instant;

describe('an idle limit that is learned from closes', () => {
  const table: readonly [name: string, closes: readonly [atMs: number, ageMs: number][], keepMs: number][] = [
    ['is none before anything was seen', [], Infinity],
    ['is none after one close', [[1000, 950]], Infinity],
    [
      'is there after two of the same age',
      [
        [1000, 1000],
        [3000, 1040],
      ],
      800,
    ],
    [
      'is none after closes of different ages',
      [
        [1000, 100],
        [3000, 1000],
      ],
      Infinity,
    ],
    [
      'is none after a process has ended with all of its connections',
      [
        [1000, 90],
        [1001, 91],
        [1002, 95],
      ],
      Infinity,
    ],
    [
      'stays when an accident comes between',
      [
        [1000, 1000],
        [3000, 1000],
        [5000, 20],
        [7000, 1000],
      ],
      800,
    ],
  ];
  for (const [name, closes, keepMs] of table) {
    it(name, () => {
      const limit = new LearnedIdleLimit();
      for (const [when, ageMs] of closes) limit.noteClose(ageMs, at(when));
      assert.equal(limit.keepMs(at(8000)), keepMs);
    });
  }

  it('is forgotten after five minutes', () => {
    const limit = new LearnedIdleLimit();
    limit.noteClose(1000, at(0));
    limit.noteClose(1000, at(1000));
    assert.equal(limit.keepMs(at(300_999)), 800);
    assert.equal(limit.keepMs(at(301_000)), Infinity);
  });
});
