/** A route of the simulated days: what is usual there. */
export interface DayRoute {
  readonly name: string;
  readonly upstream: string;
  /** Requests each second when most come. */
  readonly perS: number;
  /** From the start of an attempt to its response head: lognormal. */
  readonly medianMs: number;
  readonly sigma: number;
  /** The share that the application answers with 500. */
  readonly failShare: number;
  /** The share that it answers with 4xx. */
  readonly declinedShare: number;
  /** The share that clients abandon: phones without a network, closed tabs, aborted downloads. */
  readonly abandonedShare: number;
  readonly cycle: Cycle;
}

/** Who sends the requests: people by day and evening, offices from Monday to Friday, programs always. */
type Cycle = 'people' | 'office' | 'programs';

export const dayUpstreams: Readonly<Record<string, number>> = { shop: 3, api: 3, media: 1 };

/** Clients keep these open until something happens; at a deploy all of an endpoint end at once. */
export const streams = { route: '/events', upstream: 'shop', open: 60, perS: 0.1 } as const;

/** A response that begins when there is news, after 25 s at the latest. */
export const longPolls = { route: '/v1/poll', upstream: 'api', perS: 0.4, longestMs: 25_000 } as const;

type Row = readonly [
  name: string,
  perS: number,
  medianMs: number,
  sigma: number,
  failPercent: number,
  declinedPercent: number,
  abandonedPercent: number,
  cycle: Cycle,
];

const rows: Readonly<Record<string, readonly Row[]>> = {
  shop: [
    ['/', 8, 25, 0.6, 0.02, 1, 0.3, 'people'],
    ['/assets', 50, 3, 0.5, 0.002, 0.4, 0.2, 'people'],
    ['/products', 6, 40, 0.7, 0.05, 1.5, 0.3, 'people'],
    ['/search', 6, 90, 0.8, 0.1, 0.2, 1, 'people'],
    ['/cart', 4, 35, 0.6, 0.15, 2, 0.3, 'people'],
    ['/checkout', 0.8, 180, 0.7, 0.3, 5, 0.5, 'people'],
    ['/login', 1, 120, 0.5, 0.05, 12, 0.3, 'people'],
    ['/account', 0.6, 50, 0.6, 0.1, 1, 0.3, 'people'],
    ['/orders', 0.3, 70, 0.8, 0.2, 1, 0.5, 'people'],
    ['/invoice', 0.08, 900, 0.9, 0.3, 1, 2, 'people'],
    ['/reports', 0.04, 600, 1.6, 0.2, 1, 4, 'office'],
    ['/admin', 0.05, 120, 0.9, 0.2, 3, 1, 'office'],
    ['/newsletter', 0.01, 80, 0.6, 0.3, 4, 0, 'people'],
  ],
  api: [
    ['/v1/items', 10, 15, 0.5, 0.01, 0.5, 0.1, 'programs'],
    ['/v1/prices', 6, 20, 0.5, 0.05, 0.2, 0.1, 'programs'],
    ['/v1/orders', 2, 35, 0.6, 0.1, 1, 0.1, 'programs'],
    ['/v1/token', 1.5, 60, 0.4, 0.02, 3, 0, 'programs'],
    ['/v1/export', 0.5, 700, 1.1, 0.2, 0.5, 1, 'programs'],
    ['/v1/webhooks', 0.2, 60, 0.8, 0.1, 1, 0, 'programs'],
    ['/v1/batch', 0.05, 2000, 1, 0.2, 1, 0, 'programs'],
    ['/v1/summary', 0.01, 300, 1, 0.3, 0, 0, 'office'],
  ],
  media: [
    ['/images', 6, 8, 0.6, 0.005, 1, 0.8, 'people'],
    ['/thumbs', 3, 60, 1, 0.05, 1, 0.5, 'people'],
    ['/downloads', 1, 30, 0.7, 0.05, 1, 15, 'people'],
    ['/upload', 0.2, 400, 1.2, 0.3, 2, 4, 'people'],
  ],
};

export const dayRoutes: readonly DayRoute[] = Object.entries(rows).flatMap(([upstream, all]) =>
  all.map(([name, perS, medianMs, sigma, fail, declined, abandoned, cycle]) => ({
    ...{ name, upstream, perS, medianMs, sigma, cycle, failShare: fail / 100 },
    ...{ declinedShare: declined / 100, abandonedShare: abandoned / 100 },
  })),
);

export const dayS = 86_400;

/** Of a second since the first midnight. */
export function dayTime(second: number): string {
  const [hour, minute, rest] = [Math.floor((second % dayS) / 3600), Math.floor((second % 3600) / 60), second % 60];
  const two = (number: number): string => String(number).padStart(2, '0');
  return `day ${Math.floor(second / dayS) + 1} ${two(hour)}:${two(minute)}:${two(rest)}`;
}

/** By the hour, from midnight on. */
const ofDay = {
  people: [0.2, 0.1, 0.05, 0.03, 0.03, 0.05, 0.12, 0.3, 0.5, 0.7, 0.8, 0.85, 0.9, 0.8].concat([
    0.75, 0.75, 0.8, 0.85, 0.9, 1, 1, 0.9, 0.6, 0.35,
  ]),
  office: [0.01, 0.01, 0.01, 0.01, 0.01, 0.01, 0.02, 0.1, 0.6, 1, 1, 0.9, 0.5, 0.9].concat([
    1, 0.9, 0.8, 0.5, 0.15, 0.05, 0.03, 0.02, 0.02, 0.01,
  ]),
} as const;

/** The share of `perS` that comes at a second; the first day is a Monday. */
export function shareOfCycle(cycle: Cycle, second: number): number {
  if (cycle === 'programs') return 1;
  const isWeekend = Math.floor(second / dayS) % 7 >= 5;
  const hour = (second % dayS) / 3600;
  const table = ofDay[cycle];
  const from = table[Math.floor(hour)] as number;
  const to = table[(Math.floor(hour) + 1) % 24] as number;
  return (from + (to - from) * (hour % 1)) * (isWeekend ? (cycle === 'office' ? 0.03 : 0.7) : 1);
}
