import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { minutesPlot } from '../../bench/minutes-plot.ts';
import { judgeMinutes, type Minute, minutesExitCode, minutesText } from '../../bench/minutes-verdict.ts';

function minuteOf(minute: number, p99Ms: number, more: Partial<Minute> = {}): Minute {
  return {
    ...{ minute, gateway: 'candor', requests: 1000, p50Ms: 0.2, p99Ms, p999Ms: 2, mostMs: 3, late: 0 },
    ...{ othersShare: 0, stealShare: 0, why: null },
    garbage: { collections: 4, pauseMsMax: 1.5, pauseMsTotal: 5 },
    ...more,
  };
}

const p99 = (minutes: readonly Minute[]) => judgeMinutes(minutes).find(({ percentile }) => percentile === 'p99');

describe('the minutes of an hour', () => {
  it('are kept if no quiet minute is above twice the median', () => {
    const minutes = [minuteOf(1, 0.5), minuteOf(3, 1), minuteOf(5, 0.4)];
    assert.deepEqual(p99(minutes)?.above, []);
    assert.equal(minutesExitCode(judgeMinutes(minutes)), 0);
  });

  it('are not kept if one is, and it is named', () => {
    const minutes = [minuteOf(1, 0.5), minuteOf(3, 1.01), minuteOf(5, 0.4)];
    assert.deepEqual(p99(minutes)?.above, [3]);
    assert.equal(minutesExitCode(judgeMinutes(minutes)), 1);
    assert.match(minutesText(minutes, judgeMinutes(minutes)), /candor p99: median 0\.50 ms .*: minute 3$/m);
  });

  it('are set apart where the machine was disturbed', () => {
    const stolen = minuteOf(5, 90, { stealShare: 0.07, why: 'the hypervisor took 7.0 % of a core' });
    const minutes = [minuteOf(1, 0.5), minuteOf(3, 0.5), stolen];
    assert.equal(minutesExitCode(judgeMinutes(minutes)), 0);
    assert.match(minutesText(minutes, judgeMinutes(minutes)), /1 of 3 minutes were not quiet and are set apart/);
  });

  it('are not judged by those of nginx, nor by too few', () => {
    const nginx = [0.1, 0.1, 9].map((ms, index) => minuteOf(2 * index + 2, ms, { gateway: 'nginx', garbage: null }));
    assert.equal(minutesExitCode(judgeMinutes([minuteOf(1, 1), minuteOf(3, 1), ...nginx])), 0);
    assert.equal(minutesExitCode(judgeMinutes([minuteOf(1, 1), ...nginx])), 3);
    assert.equal(minutesExitCode(judgeMinutes([])), 3);
  });

  it('are drawn with a line for each percentile of both gateways, and a column for each disturbed minute', () => {
    const svg = minutesPlot(
      [minuteOf(1, 0.5), minuteOf(2, 1, { gateway: 'nginx' }), minuteOf(3, 0.7, { why: 'steal' })],
      'a small GET',
    );
    assert.equal(svg.match(/<polyline/g)?.length, 6);
    assert.equal(svg.match(/class="apart"/g)?.length, 1);
    assert.doesNotMatch(svg, /NaN|Infinity/);
    assert.doesNotMatch(minutesPlot([], 'nothing'), /NaN|Infinity/);
  });
});
