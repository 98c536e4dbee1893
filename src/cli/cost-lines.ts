import type { CostAnswer } from '../core/schemas/usage.ts';
import { harmless, padTo, wrap } from './layout.ts';
import type { Style } from './style.ts';

type Application = CostAnswer['applications'][number];
type Item = Application['items'][number];
type Forecast = CostAnswer['forecasts'][number];

const words: Readonly<Record<Item['unit'], readonly [name: string, unit: string]>> = {
  cpu_hour: ['CPU', 'CPU-hours'],
  memory_gb_hour: ['memory', 'GB-hours'],
  storage_gb_month: ['storage', 'GB-months'],
  bandwidth_out_gb: ['to clients', 'GB'],
  million_requests: ['requests', 'million'],
  request_hour: ['in requests', 'hours'],
};

const sharings = { cpu: 'CPU', memory: 'memory', cpu_and_memory: 'CPU and memory', requests: 'requests' } as const;

const howToPrice =
  'Nothing has a price. `prices` in the configuration gives each quantity one, or divides what the machine costs: prices: { currency: EUR, month: 6.49 }.';

/** What `candor cost` prints, in 80 columns. */
export function costLines(cost: CostAnswer, style: Style): readonly string[] {
  const { since, until, measuredSince, applications, fixed, currency, total, forecasts } = cost;
  const period = `From ${timeText(since)} to ${timeText(until)} UTC`;
  const late = measuredSince === since ? '' : `; measured since ${timeText(measuredSince)}`;
  const head = wrap(`${period}${late}.`, '');
  if (applications.length === 0) return [...head, 'No application has used anything.'];
  const shared =
    fixed === null
      ? []
      : wrap(
          `${money(fixed.price, currency)} a month is divided by ${sharings[fixed.sharedBy]}: ${money(fixed.cost, currency)} for this time.`,
          '',
        );
  return [
    ...head,
    ...shared,
    ...applications.flatMap((one) => ['', ...applicationLines(one, currency, style)]),
    ...(total === null || applications.length < 2
      ? []
      : ['', style.bold(row('all applications', '', money(total, currency)))]),
    '',
    ...(total === null ? [...wrap(howToPrice, ''), ''] : []),
    ...forecastLines(forecasts, currency, style),
  ];
}

function applicationLines(one: Application, currency: string | null, style: Style): readonly string[] {
  const { application, items, fixed, cost, parts } = one;
  const shown = items.filter(({ quantity, cost: own }) => quantity > 0 || own !== null);
  const used = parts.filter(({ cpuHours, memoryGbHours }) => cpuHours > 0 || memoryGbHours > 0);
  return [
    style.bold(row(harmless(application), '', cost === null ? '' : money(cost, currency))),
    ...shown.map((item) => row(`  ${words[item.unit][0]}`, quantityText(item), itemCost(item, currency))),
    ...(fixed === null
      ? []
      : [row('  its part of the month', `${(fixed.share * 100).toFixed(1)} %`, money(fixed.cost, currency))]),
    // One alone is the application.
    ...(used.length < 2
      ? []
      : used.map(({ kind, name, cpuHours, memoryGbHours }) =>
          style.dim(
            row(
              `    ${kind === 'instances' ? 'instances' : harmless(`${kind} ${name}`.trim())}`,
              `${amount(cpuHours)} CPU-hours`,
              `${amount(memoryGbHours)} GB-hours`,
            ),
          ),
        )),
  ];
}

function itemCost({ price, cost }: Item, currency: string | null): string {
  return price === null || cost === null ? '' : `at ${price}: ${money(cost, currency)}`;
}

function quantityText({ unit, quantity }: Item): string {
  return `${amount(quantity)} ${words[unit][1]}`;
}

function forecastLines(forecasts: readonly Forecast[], currency: string | null, style: Style): readonly string[] {
  const [first] = forecasts;
  if (first === undefined) return wrap('No forecast yet: less than an hour was measured.', '');
  const lines = forecasts.map(({ of, expected, low, high }) => {
    const [what, text] =
      of === 'cost'
        ? ['the cost', (value: number) => money(value, currency)]
        : [words[of][0], (value: number) => `${amount(value)} ${words[of][1]}`];
    return `${what} about ${text(expected)}, from ${text(low)} to ${text(high)}`;
  });
  const month = lines.map((line, index) => (index === 0 ? `By the end of ${first.month}: ${line}` : line)).join('; ');
  return [
    ...wrap(`${month}.`, '').map((line) => style.bold(line)),
    ...first.assumptions.flatMap((one) => wrap(one, '  ')),
  ];
}

function row(name: string, quantity: string, cost: string): string {
  return `${padTo(name, 30)}${quantity.padStart(20)}${cost.padStart(28)}`.trimEnd();
}

/** Four digits that count. */
function amount(value: number): string {
  return value === 0 ? '0' : value >= 1000 ? String(Math.round(value)) : String(Number(value.toPrecision(4)));
}

function money(value: number, currency: string | null): string {
  return `${value !== 0 && value < 0.01 ? Number(value.toPrecision(2)) : value.toFixed(2)} ${currency ?? ''}`.trim();
}

function timeText(at: string): string {
  return at.slice(0, 16).replace('T', ' ');
}
