// Starts processes: the benches are programs.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { type Judgement, judge, judgeAlike, judgementText, type Round } from '../../bench/judgement.ts';
import { intervalRank, median, medianInterval } from '../../bench/statistics.ts';
import { works } from '../../bench/works.ts';
import { repositoryRoot } from '../../scripts/repository.ts';
import { SeededRandom } from '../../src/testing/seeded-random.ts';

describe('the interval of a median', () => {
  // As tables of the sign test have it, for 95 %: the third value from either end of 12, and so on.
  const table = {
    1: 0,
    5: 0,
    6: 1,
    8: 1,
    9: 2,
    11: 2,
    12: 3,
    15: 4,
    17: 5,
    20: 6,
    25: 8,
    30: 10,
    40: 14,
    50: 18,
    100: 40,
  };
  for (const [count, rank] of Object.entries(table)) {
    it(`is between the values of rank ${rank} of ${count}`, () =>
      assert.equal(intervalRank(Number(count), 0.95), rank));
  }

  it('is wider for more confidence, and of the values as they were measured', () => {
    const values = Array.from({ length: 20 }, (_, index) => ((index * 7) % 20) + 1);
    assert.deepEqual(medianInterval(values), { low: 6, high: 15 });
    assert.deepEqual(medianInterval(values, 0.99), { low: 4, high: 17 });
  });

  it('is none where there are too few values', () => assert.equal(medianInterval([1, 2, 3, 4, 5]), null));

  it('holds the median in 95 of 100 cases, of lopsided values too', () => {
    const random = new SeededRandom('median');
    const cases = 4000;
    let held = 0;
    for (let index = 0; index < cases; index++) {
      // Exponential: its median is ln 2.
      const values = Array.from({ length: 20 }, () => -Math.log(1 - random.next()));
      const { low, high } = medianInterval(values) as { low: number; high: number };
      if (low <= Math.LN2 && Math.LN2 <= high) held++;
    }
    // Exactly 0.9586 for twenty values; three standard deviations are 0.0095.
    assert.ok(Math.abs(held / cases - 0.9586) < 0.0095, `${held} of ${cases}`);
  });
});

/** Twenty rounds whose ratios are spread evenly around `middle`, by a tenth each way. */
function rounds(middle: number, work: Round['work'] = 'small-get'): Round[] {
  return Array.from({ length: 20 }, (_, index) => ({
    ...{ work, round: index + 1, older: 50 },
    newer: 50 * middle * (0.905 + index * 0.01),
  }));
}

describe('the judgement of two commits', () => {
  it('is that the newer one costs more only where the upper bound of the median is above 1.08', () => {
    const high = (middle: number): Judgement => judge(rounds(middle))[0] as Judgement;
    assert.equal(high(1).held, true);
    assert.equal(high(1.032).held, true, String(high(1.032).interval.high));
    assert.equal(high(1.036).held, false, String(high(1.036).interval.high));
    assert.equal(judge(rounds(1.032), 1.05)[0]?.held, false, 'with a lower maximum');
  });

  it('is made of ratios within rounds, and not of the medians of each', () => {
    const drifting = rounds(1).map((round, index) => ({ ...round, older: 50 * (1 + index), newer: 55 * (1 + index) }));
    const [{ ratio, interval } = { ratio: 0, interval: { low: 0, high: 0 } }] = judge(drifting);
    for (const value of [ratio, interval.low, interval.high]) assert.ok(Math.abs(value - 1.1) < 1e-9);
  });

  it('of one commit and itself is whether both can cost the same', () => {
    assert.deepEqual(
      judgeAlike([...rounds(1), ...rounds(1.2, 'get-10k')]).map(({ held }) => held),
      [true, false],
    );
  });

  it('stands in 80 columns', () => {
    const all = works.flatMap(({ name }) => rounds(1.2, name));
    for (const line of judgementText(judge(all), { held: 'held', failed: 'FAILED' }).split('\n'))
      assert.ok(line.length <= 80, `${line.length}: ${line}`);
  });
});

function runTool(tool: string, ...words: readonly string[]) {
  return spawnSync(process.execPath, [join(repositoryRoot, 'bench', tool), ...words], { encoding: 'utf8' });
}

describe('npm run bench:compare', () => {
  const run = (...words: readonly string[]) => runTool('compare.ts', ...words);

  it('prints its usage and an example when it is asked to', () => {
    const { status, stdout, stderr } = run('--help');
    assert.deepEqual([status, stderr], [0, '']);
    assert.match(stdout, /^usage: npm run bench:compare [\s\S]*\nexample: npm run /);
    for (const line of stdout.split('\n')) assert.ok(line.length <= 80, line);
  });

  it('says what is wrong with the words, and begins nothing', () => {
    const { status, stdout, stderr } = run('HEAD', '--rounds', '5');
    assert.deepEqual([status, stdout], [2, '']);
    assert.match(stderr, /^--rounds takes .+\n\nusage: /);
  });

  it('runs one commit twice to compare a setting', () => {
    const { status, stderr } = run('HEAD~1', 'HEAD', '--configuration', 'store: {}');
    assert.equal(status, 2);
    assert.match(stderr, /^Name one commit: it runs twice\.\n\nusage: /);
  });

  it('ends with 2 where there is no such commit', () => {
    const { status, stderr } = run('no-such-commit');
    assert.deepEqual([status, stderr], [2, 'nothing could be measured: git knows no commit no-such-commit\n']);
  });
});

it('the median of an even number of values is between the two in the middle', () => {
  assert.equal(median([4, 1, 3, 2]), 2.5);
});
