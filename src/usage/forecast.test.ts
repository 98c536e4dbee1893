import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { forecastMonth } from './forecast.ts';

const day = 86_400_000;
/** Sunday, the first of a month of thirty days. */
const start = Date.UTC(2026, 10, 1);
const firstDay = start / day;

/** Days of this month, from the first. */
const daysOf = (values: readonly number[], from = firstDay): ReadonlyMap<number, number> =>
  new Map(values.map((value, index) => [from + index, value]));

describe('the forecast of a month', () => {
  test('of even days is the day times the days of the month, without a spread', () => {
    const forecast = forecastMonth({
      ...{ days: daysOf(Array(10).fill(2)), now: start + 10 * day, knownSince: start, fixedPerMonth: 0 },
    });
    assert.deepEqual(
      [forecast?.month, forecast?.soFar, forecast?.expected, forecast?.low, forecast?.high],
      ['2026-11', 20, 60, 60, 60],
    );
  });

  test('follows the days of the week, once each was there twice', () => {
    // From Sunday 18 October on: 10 on working days, 1 at the weekend.
    const from = firstDay - 14;
    const week = [1, 10, 10, 10, 10, 10, 1];
    const days = daysOf([...week, ...week, ...week], from);
    const now = start + 7 * day;
    const forecast = forecastMonth({ days, now, knownSince: from * day, fixedPerMonth: 0 });
    // 30 days from Sunday: 21 working days and 9 of the weekend.
    assert.equal(forecast?.expected, 21 * 10 + 9);
    assert.match(forecast?.assumptions[0] ?? '', /same days of the week/);
  });

  test('is wider where days differ more', () => {
    const spreadOf = (values: readonly number[]): number => {
      const forecast = forecastMonth({
        days: daysOf(values),
        now: start + 6 * day,
        knownSince: start,
        fixedPerMonth: 0,
      });
      return (forecast?.high ?? 0) - (forecast?.low ?? 0);
    };
    assert.ok(spreadOf([10, 11, 9, 10, 11, 9]) < spreadOf([1, 20, 9, 0, 21, 9]));
  });

  test('takes the hours that are known where no whole day is, and says that it knows little', () => {
    const now = start + day / 4;
    const forecast = forecastMonth({ days: daysOf([3]), now, knownSince: start, fixedPerMonth: 0 });
    assert.equal(forecast?.expected, 3 * 4 * 30);
    assert.match(forecast?.assumptions.join(' ') ?? '', /Too few whole days/);
  });

  test('is none within the first hour', () => {
    assert.equal(forecastMonth({ days: daysOf([3]), now: start + 60_000, knownSince: start, fixedPerMonth: 0 }), null);
  });

  test('has a fixed price from when measuring began, and says so', () => {
    const knownSince = start + 15 * day;
    const days = daysOf([1, 1, 1], firstDay + 15);
    const forecast = forecastMonth({ days, now: start + 18 * day, knownSince, fixedPerMonth: 30 });
    assert.equal(forecast?.expected, 15 + 15);
    assert.match(forecast?.assumptions.join(' ') ?? '', /Before 2026-11-16 00:00 UTC nothing was measured/);
  });

  test('is never less than what was used already', () => {
    const forecast = forecastMonth({
      ...{ days: daysOf([100, 0, 0, 50, 0]), now: start + 5 * day, knownSince: start, fixedPerMonth: 0 },
    });
    assert.ok((forecast?.low ?? 0) >= 150);
  });
});
