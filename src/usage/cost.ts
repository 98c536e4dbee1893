import type { PricedUnit, PricesSpec, Sharing } from '../features/prices/settings.ts';
import { type Amounts, noAmounts, addAmounts, type UsageKind } from './amounts.ts';
import { forecastMonth, type MonthForecast } from './forecast.ts';
import { dayMs, hourMs, hoursOfMonth, monthOf } from './months.ts';
import type { UsageSteps } from './usage-history.ts';

interface CostItem {
  readonly unit: PricedUnit;
  readonly quantity: number;
  /** Of one; null: it has none. */
  readonly price: number | null;
  readonly cost: number | null;
}

interface CostOfApplication {
  readonly application: string;
  readonly items: readonly CostItem[];
  /** Its part of the fixed price; null: there is none. */
  readonly fixed: { readonly share: number; readonly cost: number } | null;
  /** Null: nothing has a price. */
  readonly cost: number | null;
  /** Its instances, workers, jobs and builds: what each has used. */
  readonly parts: readonly {
    readonly kind: UsageKind;
    readonly name: string;
    readonly cpuHours: number;
    readonly memoryGbHours: number;
  }[];
}

interface CostForecast extends MonthForecast {
  /** What is forecast: the cost, or where nothing has a price the quantity of a unit. */
  readonly of: 'cost' | PricedUnit;
}

interface CostReport {
  readonly since: number;
  readonly until: number;
  /** When measuring began, if that was later; else `since`. */
  readonly measuredSince: number;
  readonly currency: string | null;
  readonly fixed: { readonly price: number; readonly sharedBy: Sharing; readonly cost: number } | null;
  readonly applications: readonly CostOfApplication[];
  readonly total: number | null;
  readonly forecasts: readonly CostForecast[];
}

interface CostParts {
  /** Hours of the period, and of the forecast: at least of this month, as many as there are. */
  readonly series: readonly UsageSteps[];
  readonly prices: PricesSpec | null;
  readonly since: number;
  readonly until: number;
  /** When the first of all that is known was used; null: nothing is. */
  readonly knownSince: number | null;
}

/** In the order of a bill. */
const units: readonly PricedUnit[] = [
  'cpuHour',
  'memoryGbHour',
  'storageGbMonth',
  'bandwidthOutGb',
  'millionRequests',
  'requestHour',
];

/** What applications have used between two times, what that costs, and what the month of `until` will cost. */
export function costReport({ series, prices, since, until, knownSince }: CostParts): CostReport {
  const measuredSince = Math.min(until, Math.max(since, knownSince ?? until));
  const inPeriod = series.map(({ owner, steps }) => ({
    owner,
    steps: new Map([...steps].filter(([hour]) => (hour + 1) * hourMs > since && hour * hourMs < until)),
  }));
  const names = [...new Set(inPeriod.flatMap(({ owner, steps }) => (steps.size > 0 ? owner.application : [])))].sort();
  const fixedCost =
    prices?.month === null || prices === null ? null : fixedBetween(prices.month.price, measuredSince, until);
  const shares = prices?.month == null ? null : sharesOf(inPeriod, names, prices.month.sharedBy);
  const applications = names.map((application) => {
    const own = inPeriod.filter(({ owner }) => owner.application === application);
    const quantities = quantitiesOf(own);
    const items = units.map((unit): CostItem => {
      const price = prices?.units[unit] ?? null;
      const quantity = quantities[unit];
      return { unit, quantity, price, cost: price === null ? null : price * quantity };
    });
    const share = shares?.get(application) ?? 0;
    const fixed = fixedCost === null ? null : { share, cost: fixedCost * share };
    const costs = [...items.flatMap(({ cost }) => cost ?? []), ...(fixed === null ? [] : [fixed.cost])];
    return {
      ...{ application, items, fixed },
      cost: costs.length === 0 ? null : sum(costs),
      parts: partsOf(own),
    };
  });
  const costs = applications.flatMap(({ cost }) => cost ?? []);
  return {
    ...{ since, until, measuredSince, applications },
    currency: prices?.currency ?? null,
    fixed: prices?.month == null || fixedCost === null ? null : { ...prices.month, cost: fixedCost },
    total: costs.length === 0 ? null : sum(costs),
    forecasts: knownSince === null ? [] : forecasts(series, prices, until, knownSince),
  };
}

type Quantities = Readonly<Record<PricedUnit, number>>;

function quantitiesOf(series: readonly UsageSteps[]): Quantities {
  const sums = { programs: noAmounts(), gbMonths: 0 };
  for (const { owner, steps } of series)
    for (const [hour, amounts] of steps) {
      if (owner.kind === 'storage') sums.gbMonths += amounts.byteSeconds / 1e9 / 3600 / hoursOfMonth(hour * hourMs);
      else addAmounts(sums.programs, { ...amounts, durations: new Map() });
    }
  const { cpuMs, byteSeconds, bytesOut, requests, busyMs } = sums.programs;
  return {
    cpuHour: cpuMs / hourMs,
    memoryGbHour: byteSeconds / 1e9 / 3600,
    storageGbMonth: sums.gbMonths,
    bandwidthOutGb: bytesOut / 1e9,
    millionRequests: requests / 1e6,
    requestHour: busyMs / hourMs,
  };
}

function partsOf(series: readonly UsageSteps[]): CostOfApplication['parts'] {
  const parts = new Map<string, { kind: UsageKind; name: string; amounts: Amounts }>();
  for (const { owner, steps } of series) {
    if (owner.kind === 'storage') continue;
    const key = `${owner.kind} ${owner.name}`;
    const part = parts.get(key) ?? { kind: owner.kind, name: owner.name, amounts: noAmounts() };
    parts.set(key, part);
    for (const amounts of steps.values()) addAmounts(part.amounts, { ...amounts, durations: new Map() });
  }
  return [...parts.values()].map(({ kind, name, amounts: { cpuMs, byteSeconds } }) => ({
    ...{ kind, name },
    cpuHours: cpuMs / hourMs,
    memoryGbHours: byteSeconds / 1e9 / 3600,
  }));
}

/** Of each application; they are 1 together, also where nothing was used. */
function sharesOf(series: readonly UsageSteps[], names: readonly string[], by: Sharing): ReadonlyMap<string, number> {
  const of = (measure: (amounts: Readonly<Amounts>) => number): number[] => {
    const used = names.map((name) =>
      sum(
        series.flatMap(({ owner, steps }) =>
          owner.application === name && owner.kind !== 'storage' ? [...steps.values()].map(measure) : [],
        ),
      ),
    );
    const all = sum(used);
    return used.map((one) => (all === 0 ? 1 / names.length : one / all));
  };
  const cpu = (): number[] => of(({ cpuMs }) => cpuMs);
  const memory = (): number[] => of(({ byteSeconds }) => byteSeconds);
  const shares =
    by === 'cpu'
      ? cpu()
      : by === 'memory'
        ? memory()
        : by === 'requests'
          ? of(({ requests }) => requests)
          : mean(cpu(), memory());
  return new Map(names.map((name, index) => [name, shares[index] as number]));
}

const mean = (some: readonly number[], others: readonly number[]): number[] =>
  some.map((one, index) => (one + (others[index] as number)) / 2);

/** The part of a monthly price that falls between two times. */
function fixedBetween(price: number, since: number, until: number): number {
  let cost = 0;
  for (let at = since; at < until; ) {
    const { end } = monthOf(at);
    const next = Math.min(end, until);
    cost += (price * (next - at)) / (hoursOfMonth(at) * hourMs);
    at = next;
  }
  return cost;
}

/** Of the cost; where nothing has a price, of each quantity that was used. */
function forecasts(
  series: readonly UsageSteps[],
  prices: PricesSpec | null,
  now: number,
  knownSince: number,
): readonly CostForecast[] {
  const byDay = new Map<number, UsageSteps[]>();
  for (const { owner, steps } of series)
    for (const [hour, amounts] of steps) {
      const day = Math.floor((hour * hourMs) / dayMs);
      byDay.set(day, [...(byDay.get(day) ?? []), { owner, steps: new Map([[hour, amounts]]) }]);
    }
  const days = new Map([...byDay].map(([day, ofDay]) => [day, quantitiesOf(ofDay)]));
  const forecastOf = (valueOf: (quantities: Quantities) => number, fixedPerMonth = 0): MonthForecast | null =>
    forecastMonth({
      days: new Map([...days].map(([day, one]) => [day, valueOf(one)])),
      now,
      knownSince,
      fixedPerMonth,
    });
  if (prices !== null) {
    const cost = (quantities: Quantities): number =>
      sum(units.map((unit) => quantities[unit] * (prices.units[unit] ?? 0)));
    const forecast = forecastOf(cost, prices.month?.price ?? 0);
    return forecast === null ? [] : [{ of: 'cost', ...forecast }];
  }
  return units.flatMap((unit) => {
    const forecast = forecastOf((quantities) => quantities[unit]);
    return forecast === null || forecast.expected === 0 ? [] : [{ of: unit, ...forecast }];
  });
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, one) => all + one, 0);
}
