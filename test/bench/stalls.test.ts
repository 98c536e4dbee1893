import assert from 'node:assert/strict';
import { test } from 'node:test';
import { measureStalls } from '../../bench/stall-measure.ts';
import { figuresOf, stallTable } from '../../bench/stall-report.ts';
import { situations } from '../../bench/stall-situations.ts';
import { isWholeSweep } from '../../src/testing/sweep.test-support.ts';

// The short form of `npm run bench:stalls`. Times are not checked here, since two cores are too busy.

// A measurement of half a minute; `npm test` has the parts of the bench.
if (isWholeSweep)
  test('each thing that the stall bench measures happens, and no request fails meanwhile', async () => {
    const size = { routes: 40, endpoints: 20, perSecond: 100 };
    const settings = { ...size, rounds: 1, warmRounds: 0, quietMs: 100, settleMs: 20, only: '' };
    const { figures, requests, failed } = await measureStalls(settings);
    assert.deepEqual(
      figures.map(({ situation }) => situation),
      situations.map(({ name }) => name),
    );
    assert.ok(requests > 100, `${requests} requests`);
    assert.equal(failed, 0);
    for (const { situation, main } of figures) assert.ok(main.wallMaxMs >= 0, situation);
  });

test('a round counts with its longest worker, and the figures are the median and the maximum of the rounds', () => {
  const thread = (id: number, isMain: boolean, ms: number) => ({
    thread: id,
    isMain,
    longestMs: 2 * ms,
    longestCpuMs: ms,
    longTurns: 0,
    cpuMs: 10 * ms,
  });
  const rounds = [1, 5, 3].map((ms) => ({
    threads: [thread(0, true, ms), thread(1, false, ms + 1), thread(2, false, ms)],
    bytes: 100 * ms,
  }));
  const figures = figuresOf('a reload', rounds);
  assert.deepEqual(figures, {
    situation: 'a reload',
    rounds: 3,
    worker: { cpuMedianMs: 4, cpuMaxMs: 6, wallMedianMs: 8, wallMaxMs: 12 },
    main: { cpuMedianMs: 3, cpuMaxMs: 5, wallMedianMs: 6, wallMaxMs: 10 },
    mainCpuMs: 30,
    bytes: 500,
  });
  assert.match(
    stallTable([figures]),
    /\na reload +4\.0 \(6\.0\) +8\.0 \(12\.0\) +3\.0 \(5\.0\) +6\.0 \(10\.0\) +30 +500\n/,
  );
});
