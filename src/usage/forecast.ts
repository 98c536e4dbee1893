import { dayMs, hourMs, monthOf } from './months.ts';

export interface MonthForecast {
  /** '2026-11' */
  readonly month: string;
  readonly soFar: number;
  readonly expected: number;
  /** Four of five months like this one end between the two. */
  readonly low: number;
  readonly high: number;
  /** What it rests on, one sentence each. */
  readonly assumptions: readonly string[];
}

interface ForecastParts {
  /** By day since the Unix epoch, in UTC; a day without one is 0. */
  readonly days: ReadonlyMap<number, number>;
  readonly now: number;
  readonly knownSince: number;
  /** What is added, whatever was used, for the whole month from when measuring began. */
  readonly fixedPerMonth: number;
}

/** Fewer whole days say nothing of how much days differ. */
const daysMin = 3;

/** The distance from the mean within which four of five values of a normal distribution lie, in standard deviations. */
const fourOfFive = 1.28;

/** A rate of less says nothing of a month. */
const hoursMin = 1;

/**
 * The month that goes on, from what each day was like: a day of the week as the mean of those before, where each was there twice, else
 * as the mean of all. Null: too little is known.
 */
export function forecastMonth({ days, now, knownSince, fixedPerMonth }: ForecastParts): MonthForecast | null {
  const { start, end } = monthOf(now);
  const today = Math.floor(now / dayMs);
  const firstWhole = Math.ceil(knownSince / dayMs);
  const whole = Array.from({ length: Math.max(0, today - firstWhole) }, (_, index) => firstWhole + index);
  const knownHours = (now - knownSince) / hourMs;
  if (knownHours < hoursMin) return null;
  const valueOf = (day: number): number => days.get(day) ?? 0;
  const byWeekday = Map.groupBy(whole, weekdayOf);
  const isWeekly = byWeekday.size === 7 && [...byWeekday.values()].every((some) => some.length >= 2);
  const all = [...days.values()].reduce((sum, one) => sum + one, 0);
  const meanDay = whole.length === 0 ? (all / knownHours) * 24 : mean(whole.map(valueOf));
  const usual = (day: number): number =>
    isWeekly ? mean((byWeekday.get(weekdayOf(day)) ?? []).map(valueOf)) : meanDay;
  const from = Math.max(start, knownSince);
  const used = [...days].reduce((sum, [day, value]) => (day * dayMs >= start ? sum + value : sum), 0);
  const restOfToday = 1 - (now - today * dayMs) / dayMs;
  const later = Array.from({ length: Math.max(0, end / dayMs - today - 1) }, (_, index) => today + 1 + index);
  const rest = usual(today) * restOfToday + later.reduce((sum, day) => sum + usual(day), 0);
  const daysLeft = restOfToday + later.length;
  const fixed = (ms: number): number => (fixedPerMonth * ms) / (end - start);
  const soFar = used + fixed(now - from);
  const expected = soFar + rest + fixed(end - now);
  const spread =
    spreadOf(
      whole.map((day) => valueOf(day) - usual(day)),
      isWeekly ? 7 : 1,
      daysLeft,
    ) ?? rest / 2;
  const least = soFar + fixed(end - now);
  return {
    month: new Date(now).toISOString().slice(0, 7),
    ...{ soFar, expected, low: Math.max(least, expected - spread), high: expected + spread },
    assumptions: assumptionsOf({ whole: whole.length, isWeekly, daysLeft, start, knownSince, knownHours }),
  };
}

/** Of the sum of the days that are left: each differs, and so may the mean of those before. Null: too few are known. */
function spreadOf(differences: readonly number[], means: number, daysLeft: number): number | null {
  const count = differences.length;
  if (count < Math.max(daysMin, means + 1)) return null;
  const variance = differences.reduce((sum, one) => sum + one * one, 0) / (count - means);
  return fourOfFive * Math.sqrt(variance * (daysLeft + (daysLeft * daysLeft) / count));
}

interface Assumed {
  readonly whole: number;
  readonly isWeekly: boolean;
  readonly daysLeft: number;
  readonly start: number;
  readonly knownSince: number;
  readonly knownHours: number;
}

function assumptionsOf({ whole, isWeekly, daysLeft, start, knownSince, knownHours }: Assumed): readonly string[] {
  const left = `${daysLeft.toFixed(1)} days are left`;
  const pattern = isWeekly
    ? `${left}; each is taken to be like the same days of the week before (${whole} whole days are known).`
    : whole > 0
      ? `${left}; each is taken to be like the mean of ${whole === 1 ? 'the whole day that is' : `the ${whole} whole days that are`} known.`
      : `${left}; each is taken to be like the ${knownHours.toFixed(1)} hours that are known.`;
  const spread =
    whole >= Math.max(daysMin, isWeekly ? 8 : 2)
      ? 'Low and high enclose four of five outcomes, if days go on to differ as they did.'
      : 'Too few whole days are known to tell how much days differ: low and high are half of the rest away.';
  const begun = new Date(knownSince).toISOString().slice(0, 16).replace('T', ' ');
  return [
    pattern,
    spread,
    ...(knownSince > start ? [`Before ${begun} UTC nothing was measured, and nothing is added for it.`] : []),
  ];
}

const mean = (numbers: readonly number[]): number =>
  numbers.length === 0 ? 0 : numbers.reduce((sum, one) => sum + one, 0) / numbers.length;

/** 1 January 1970 was a Thursday. */
const weekdayOf = (day: number): number => (day + 4) % 7;
