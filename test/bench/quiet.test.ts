import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from '../properties.ts';
import { latencySummary, percentile } from '../../bench/latency-summary.ts';
import { type CoreSample, type Disturbance, disturbanceBetween, readCores, whyDisturbed } from '../../bench/quiet.ts';
import { countingRounds, countingValues, measureQuietly, summarizeRounds } from '../../bench/rounds.ts';

const stat = `cpu  4672 5 2940 150071 196 1 37 165 0 0
cpu0 2006 2 1272 75679 21 1 6 81 0 0
cpu1 2666 3 1668 74391 174 0 30 84 0 0
intr 12345
`;

/** A second of two cores in which the first was busy for `busy` ticks, the second lost `stolen`, and the gateway used `own`. */
function second(busy: number, stolen: number, own: number): Disturbance {
  const sample = (times: number): CoreSample => ({
    cores: new Map([
      [0, { busy: 1000 + busy * times, steal: 5, idle: 100 + (100 - busy) * times }],
      [1, { busy: 7, steal: 1 + stolen * times, idle: 100 + (100 - stolen) * times }],
    ]),
    ownMicroseconds: 500_000 + own * 10_000 * times,
  });
  return disturbanceBetween(sample(0), sample(1), 0, 100);
}

describe('the disturbance of a measurement', () => {
  it('is read from the lines of the cores, with interrupts as busy time and waiting for a disk as idle', () => {
    assert.deepEqual(
      [...readCores(stat)],
      [
        [0, { busy: 2006 + 2 + 1272 + 1 + 6, steal: 81, idle: 75_679 + 21 }],
        [1, { busy: 2666 + 3 + 1668 + 30, steal: 84, idle: 74_391 + 174 }],
      ],
    );
  });

  for (const [what, busy, stolen, own, why] of [
    ['a gateway alone on its core', 100, 0, 100, null],
    ['a gateway that is half idle', 50, 0, 50, null],
    ['other programs with just below a tenth', 59, 0, 50, null],
    ['other programs with a tenth', 60, 0, 50, "other programs took 10 % of the gateway's core"],
    ['steal of the other core below 6 %', 50, 5, 50, null],
    ['steal of the other core of 6 %', 50, 6, 50, 'the hypervisor took 6.0 % of a core'],
    ['more CPU time of the gateway than ticks, which are sampled', 50, 0, 53, null],
  ] as const) {
    it(`${why === null ? 'is none for' : 'is seen for'} ${what}`, () =>
      assert.equal(whyDisturbed(second(busy, stolen, own)), why));
  }

  it('is none between two samples of the same moment', () => {
    assert.deepEqual(second(0, 0, 0), { othersShare: 0, stealShare: 0 });
    const now = { cores: readCores(stat), ownMicroseconds: 1 };
    assert.deepEqual(disturbanceBetween(now, now, 0, 100), { othersShare: 0, stealShare: 0 });
  });
});

const quiet: Disturbance = { othersShare: 0, stealShare: 0 };
const disturbed: Disturbance = { othersShare: 0.5, stealShare: 0 };

/** Rounds of two gateways, a and b; the nth turn of each is disturbed if its letter in `turns` is x. */
async function play(rounds: number, turns: Readonly<Record<string, string>>) {
  const order: string[] = [];
  const seen = new Map<string, number>();
  const measured = await measureQuietly(
    ['a', 'b'],
    { rounds, repetitionsMax: rounds },
    async (item, round) => {
      const turn = seen.get(item) ?? 0;
      seen.set(item, turn + 1);
      order.push(`${item}${round}`);
      return { value: `${item}${turn}`, disturbance: turns[item]?.[turn] === 'x' ? disturbed : quiet };
    },
    () => {},
  );
  return { ...measured, order };
}

describe('rounds that count', () => {
  it('are the quiet ones: a disturbed turn is repeated at the end of its round', async () => {
    const { order, counted, thrownAway } = await play(3, { a: '.x', b: '' });
    assert.deepEqual(order, ['a1', 'b1', 'a2', 'b2', 'a2', 'a3', 'b3']);
    assert.deepEqual(
      thrownAway.map(({ item, round }) => `${item}${round}`),
      ['a2'],
    );
    assert.ok(counted.every(({ why }) => why === null));
  });

  it('are repeated at most as often as there are rounds, and keep the last turn with its reason', async () => {
    const measured = await play(3, { a: 'xxxxxx', b: '' });
    assert.equal(measured.order.filter((one) => one.startsWith('a')).length, 6);
    assert.equal(measured.counted.filter(({ item, why }) => item === 'a' && why !== null).length, 3);
    const [summary] = summarizeRounds(measured);
    assert.deepEqual([summary?.item, summary?.quiet, summary?.thrownAway, summary?.isMarked], ['a', 0, 3, true]);
    assert.deepEqual(countingValues(measured).toSorted(), ['a3', 'a4', 'a5', 'b0', 'b1', 'b2']);
  });

  it('are all that are left of three quiet ones or more, without a mark', async () => {
    const measured = await play(4, { a: 'xxxx...x', b: '' });
    const own = measured.counted.filter(({ item }) => item === 'a');
    assert.deepEqual([own.length, countingRounds(own).rounds.length, countingRounds(own).isMarked], [4, 3, false]);
  });

  it('are for each gateway as many as were asked for, whatever is disturbed', async () => {
    const turns = fc.array(fc.constantFrom('x', '.'), { maxLength: 12 }).map((some) => some.join(''));
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 5 }), turns, turns, async (rounds, a, b) => {
        const { counted, thrownAway } = await play(rounds, { a, b });
        for (const item of ['a', 'b']) {
          const own = counted.filter((one) => one.item === item);
          assert.deepEqual(
            own.map(({ round }) => round),
            Array.from({ length: rounds }, (_, index) => index + 1),
          );
          const repeated = thrownAway.filter((one) => one.item === item).length;
          assert.ok(repeated <= rounds);
          // A disturbed turn counts only when the repetitions are used up.
          assert.ok(own.every(({ why }) => why === null) || repeated === rounds);
        }
      }),
    );
  });
});

describe('latencies at a fixed rate', () => {
  it('are of the requests that were sent on time', () => {
    const took = [5, 1, 900, 3];
    const late = [0, 0.2, 1.01, 1];
    const { requests, p50Ms, mostMs, late: marked, lateP999Ms } = latencySummary(took, late);
    assert.deepEqual([requests, p50Ms, mostMs, marked, lateP999Ms], [3, 3, 5, 1, 1.01]);
  });

  it('are zero where no request was on time', () => assert.equal(latencySummary([7], [2]).p99Ms, 0));

  for (const [count, part, rank] of [
    [1000, 0.999, 999],
    [1000, 0.5, 500],
    [10, 0.99, 10],
    [1, 0.5, 1],
  ] as const) {
    it(`the percentile ${part * 100} of ${count} values is the one of rank ${rank}`, () => {
      const sorted = Array.from({ length: count }, (_, index) => index + 1);
      assert.equal(percentile(sorted, part), rank);
    });
  }
});
