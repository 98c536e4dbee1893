import type { SeededRandom } from '../../src/testing/seeded-random.ts';
import { dayRoutes, dayS, dayUpstreams } from './simulated-days-routes.ts';

/** What happens besides the usual requests. Seconds since the first midnight; they may have fractions. */
export type Happening = { readonly from: number; readonly to: number; readonly text: string } & (
  | {
      /** Additional requests of one client. */
      readonly kind: 'client';
      readonly route: string;
      readonly perS: number;
      readonly isDeclined: boolean;
    }
  /** Absent endpoint: all of the upstream. `fadeS`: less and less. */
  | {
      readonly kind: 'slower';
      readonly upstream: string;
      readonly endpoint?: number;
      readonly times: number;
      readonly fadeS?: number;
    }
  /** An endpoint answers nothing: its requests wait. */
  | { readonly kind: 'pause'; readonly upstream: string; readonly endpoint: number }
  /** So many requests of a route are answered with 500. */
  | { readonly kind: 'clump'; readonly route: string; readonly count: number }
  | {
      readonly kind: 'out';
      readonly upstream: string;
      readonly endpoint: number;
      readonly state: 'draining' | 'unhealthy';
    }
  | { readonly kind: 'busier'; readonly times: number }
  /** A client gives up after a time of its own. */
  | { readonly kind: 'abandon'; readonly route: string; readonly perS: number; readonly afterMs: number }
  /** Streams and long polls of an endpoint end together; of all without one. */
  | { readonly kind: 'streams_end'; readonly upstream: string; readonly share: number }
  | { readonly kind: 'deployed'; readonly application: string }
  /** Another instance has the place of an endpoint: it has a name and a port of its own. */
  | { readonly kind: 'replaced'; readonly upstream: string; readonly endpoint: number }
  /** A true fault, to measure how soon it is found. */
  | { readonly kind: 'fault'; readonly route: string; readonly failShare: number; readonly medianMs?: number }
);

export function happeningText(one: Happening): string {
  const where = 'route' in one ? one.route : 'upstream' in one ? one.upstream : '';
  const how = 'perS' in one ? ` ${one.perS.toFixed(2)}/s` : 'times' in one ? ` × ${one.times.toFixed(1)}` : '';
  return `${one.text}${where === '' ? '' : ` at ${where}`}${how}`;
}

const minutes = 60;
const hours = 3600;

/** Routes that a crawler, a scanner, and clients with wrong requests ask for. */
const crawled = ['/', '/products', '/search', '/account', '/orders', '/images', '/v1/items'] as const;
const scanned = ['/', '/admin', '/login', '/v1/token', '/upload'] as const;
const misused = ['/checkout', '/login', '/v1/orders', '/v1/token', '/v1/webhooks', '/v1/export', '/upload'] as const;
const givenUp = ['/v1/export', '/v1/batch', '/v1/orders', '/search', '/invoice'] as const;

/** What happens on one day, in the order of its beginnings. */
export function happeningsOf(day: number, random: SeededRandom): readonly Happening[] {
  const from = day * dayS;
  const at = (hour: number): number => from + hour * hours;
  const between = (low: number, high: number): number => low + random.next() * (high - low);
  const anytime = (): number => from + between(0, 0.98 * dayS);
  const times = (count: number): readonly number[] => Array.from({ length: count }, anytime);
  const some = (mean: number): number => Math.floor(mean * (0.5 + random.next()) + random.next());
  const all: Happening[] = [];

  const client = (start: number, lastS: number, route: string, perS: number, isDeclined: boolean, text: string) =>
    all.push({ kind: 'client', from: start, to: start + lastS, route, perS, isDeclined, text });
  for (const one of times(1)) client(one, hours, random.pick(crawled), between(1, 6), true, 'crawler');
  for (const one of times(some(2)))
    client(one, between(2, 20) * minutes, random.pick(scanned), between(3, 30), true, 'scanner');
  for (const one of times(some(15)))
    client(one, between(3, 60), random.pick(misused), between(1, 15), true, 'wrong requests');
  for (const one of times(some(4)))
    client(one, between(5, 90), random.pick(crawled), between(5, 40), false, 'busy client');
  client(at(3.25), 120, '/v1/export', 2, false, 'cron');

  all.push({
    kind: 'slower',
    from: at(2.5),
    to: at(2.5) + 10 * minutes,
    upstream: 'shop',
    times: 2,
    text: 'nightly job',
  });
  for (const upstream of ['api', 'media'])
    all.push({ kind: 'slower', from: at(4), to: at(4) + 25 * minutes, upstream, times: 1.6, text: 'backup' });
  if (day % 3 === 1) {
    const start = at(between(9, 18));
    all.push({ kind: 'busier', from: start, to: start + 20 * minutes, times: 2.5, text: 'newsletter' });
    for (const upstream of Object.keys(dayUpstreams))
      all.push({ kind: 'slower', from: start, to: start + 20 * minutes, upstream, times: 1.4, text: 'newsletter' });
  }
  for (const [upstream, endpoints] of Object.entries(dayUpstreams)) {
    deploy(upstream, endpoints, at(between(9, 17)), random, all);
    for (const start of times(some(3)))
      all.push({
        kind: 'slower',
        from: start,
        to: start + between(1, 3),
        upstream,
        times: between(3, 12),
        text: 'hiccup',
      });
    for (let endpoint = 0; endpoint < endpoints; endpoint++)
      for (const start of times(some(12)))
        all.push({
          kind: 'pause',
          from: start,
          to: start + Math.min(1.5, 0.1 * Math.exp(random.next() * 3)),
          upstream,
          endpoint,
          text: 'garbage collection',
        });
    if (endpoints > 1 && random.next() < 0.5) {
      const [start, endpoint] = [anytime(), random.integer(endpoints)];
      all.push({
        kind: 'out',
        from: start,
        to: start + 6,
        upstream,
        endpoint,
        state: 'unhealthy',
        text: 'a check failed',
      });
    }
  }
  for (const route of dayRoutes) clumpsOf(route, from, random, all);
  for (const start of times(some(6))) {
    const afterMs = random.pick([1000, 2000, 3000, 5000, 10_000]);
    all.push({
      kind: 'abandon',
      from: start,
      to: start + between(10, 240),
      route: random.pick(givenUp),
      perS: between(0.01, 0.04),
      afterMs,
      text: 'a client gives up',
    });
  }
  const reload = at(3 + random.next());
  for (const upstream of ['shop', 'api'])
    all.push({ kind: 'streams_end', from: reload, to: reload + 1, upstream, share: 1, text: 'reload' });
  return all.sort((a, b) => a.from - b.from);
}

/** Instances are replaced one after the other: each is drained, is away, and answers slowly at first. */
function deploy(upstream: string, endpoints: number, start: number, random: SeededRandom, all: Happening[]): void {
  all.push({ kind: 'deployed', from: start, to: start + 1, application: upstream, text: 'deploy' });
  for (let endpoint = 0; endpoint < endpoints; endpoint++) {
    const from = start + 5 + endpoint * 45;
    const to = from + 15 + 15 * random.next();
    // Of a single instance the next one runs before it is drained.
    if (endpoints > 1) all.push({ kind: 'out', from, to, upstream, endpoint, state: 'draining', text: 'deploy' });
    all.push({ kind: 'streams_end', from, to: from + 1, upstream, share: 1 / endpoints, text: 'deploy' });
    const fadeS = 5 + 10 * random.next();
    all.push({ kind: 'replaced', from: to, to: to + 1, upstream, endpoint, text: 'deploy' });
    all.push({
      kind: 'slower',
      from: to,
      to: to + 6 * fadeS,
      upstream,
      endpoint,
      times: 3 + 6 * random.next(),
      fadeS,
      text: 'cold caches',
    });
  }
}

/** Half of the failures of a route come two to four together, within some seconds in which all is slower. */
function clumpsOf(
  { name, upstream, perS, failShare }: (typeof dayRoutes)[number],
  day: number,
  random: SeededRandom,
  all: Happening[],
): void {
  const expected = (0.5 * failShare * perS * dayS * 0.5) / 3;
  const count = Math.floor(expected * (0.5 + random.next()) + random.next());
  for (let number = 0; number < count; number++) {
    const from = day + random.next() * 0.98 * dayS;
    const to = from + 1 + 4 * random.next();
    all.push({ kind: 'clump', from, to, route: name, count: 2 + random.integer(3), text: 'slow database' });
    if (random.next() < 0.1)
      all.push({ kind: 'slower', from, to, upstream, times: 2 + 3 * random.next(), text: 'slow database' });
  }
}
