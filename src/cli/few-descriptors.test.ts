import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Configuration } from '../core/configuration.ts';
import { fewDescriptorsText } from './few-descriptors.ts';

function configuration(workers: number | null, listeners: number): Configuration {
  return { workers: { count: workers }, listeners: Array.from({ length: listeners }) } as unknown as Configuration;
}

for (const [workers, listeners, needed] of [
  // Measured: a gateway starts with this number of descriptors, and does not with one less.
  [1, 1, 35],
  [2, 1, 42],
  [4, 1, 56],
  [1, 3, 37],
  [2, 3, 46],
] as const)
  test(`${workers} workers with ${listeners} listeners need ${needed} descriptors, and room for clients; with fewer the start is refused and says what to do`, () => {
    const text = fewDescriptorsText(configuration(workers, listeners), needed - 1);
    assert.equal(
      text,
      `This process may have ${needed - 1} files open, and a start with workers: ${workers} takes about ${needed}. ` +
        'Set LimitNOFILE=4096 in the unit of the gateway (`ulimit -n 4096` in the shell that starts it).',
    );
    // The reserve of such a limit is 16, and eight clients are the fewest.
    const enough = needed + 16 + 8;
    for (const limit of [needed, enough - 1])
      assert.equal(
        fewDescriptorsText(configuration(workers, listeners), limit),
        `This process may have ${limit} files open, and a start with workers: ${workers} takes about ${needed}; ` +
          'since 16 stay free of clients, hardly any client would be served. ' +
          'Set LimitNOFILE=4096 in the unit of the gateway (`ulimit -n 4096` in the shell that starts it).',
      );
    assert.equal(fewDescriptorsText(configuration(workers, listeners), enough), null);
  });

test('without a number of workers there is one for each core; where no limit is known there is nothing to say', () => {
  assert.match(fewDescriptorsText(configuration(null, 1), 30, 4) ?? '', /workers: 4 takes about 56/);
  assert.equal(fewDescriptorsText(configuration(1, 1), null), null);
});
