import assert from 'node:assert/strict';
import { test } from 'node:test';
import { undisturbed } from '../undisturbed.ts';
import { soakSlow } from './slow-soak.ts';

// The short form of `npm run soak:slow`; docs/development/testing.md has its promises. Times are not checked here, since two cores
// are too busy.

test('slow and idle clients exclude no other client', () =>
  undisturbed(async () => {
    const figures = await soakSlow({
      slow: 90,
      idle: 90,
      rate: 30,
      rounds: 1,
      measureMs: 3000,
      warmMs: 500,
      settleMs: 3000,
      spreadMs: 500,
      seed: 'suite',
    });
    const [round] = figures.rounds;
    assert.ok(round !== undefined);
    for (const half of [round.quiet, round.crowded]) {
      assert.equal(half.failed, 0, figures.examples.join('\n'));
      // Of 90 that are due in three seconds; on a busy machine the normal clients are late too.
      assert.ok(half.requests > 10, `${half.requests} requests`);
    }
    assert.deepEqual(
      Object.entries(round.slowClients).map(([kind, { open, returning, failed }]) => [kind, open + returning, failed]),
      [
        ['heads', 30, 0],
        ['posts', 30, 0],
        ['readers', 15, 0],
        ['nonReaders', 15, 0],
        ['idle', 90, 0],
      ],
    );
  }));
