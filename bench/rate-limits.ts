import type { FilterContext } from '../src/core/filter.ts';
import { RateMemory } from '../src/features/rate-limits/main-table.ts';
import type { RateLimitSpec } from '../src/features/rate-limits/settings.ts';
import { RateLimitFilter } from '../src/features/rate-limits/worker-filter.ts';
import { Limiter } from '../src/features/rate-limits/worker-limiter.ts';
import { systemClock, systemRandom } from '../src/system/system.ts';
import { measure } from './measure-call.ts';

/**
 * Measures what a rate limit costs a request, in nanoseconds of CPU: `node bench/rate-limits.ts`. Then how much memory a million keys take, and how
 * many of them had to make room.
 */
const memory = new RateMemory({ clock: systemClock, random: systemRandom, stateFolder: null });

function limiterOf(name: string, given: Partial<RateLimitSpec> = {}): Limiter {
  const spec: RateLimitSpec = {
    ...{ name, by: ['address'], burst: 1_000_000, cost: 1, atOnce: null, exempt: [], ipv4Prefix: 32, ipv6Prefix: 64 },
    ...{ dryRun: false, announce: false, ofFile: true },
    rate: { requests: 100, periodMs: 1000, written: '100/s' },
    ...given,
  };
  return new Limiter(spec, 'route', memory.numberOf(spec), memory.table, null);
}

const contexts = Array.from({ length: 2 ** 17 }, (_, index) => {
  const address = `10.${index >> 16}.${(index >> 8) & 255}.${index & 255}`;
  const variables = { header: () => `tenant ${index}`, cookie: () => null };
  return { id: 'id', client: { address }, user: null, variables } as unknown as FilterContext;
});
let turn = 0;
const next = (): FilterContext => contexts[(turn += 7919) & (contexts.length - 1)] as FilterContext;
const [first] = contexts as [FilterContext];

function filterOf(...limiters: Limiter[]): RateLimitFilter {
  return new RateLimitFilter('address_rate', limiters, new Map(), systemClock);
}

// What the cases below take to find a request that is in no cache: they are read with this taken off.
let seen = 0;
measure('131,072 requests, no limit', 8, () => void (seen += next().client.address.charCodeAt(5)));
const admits = filterOf(limiterOf('wide'));
measure('one address', 8, () => void admits.onRequestHead(first));
const some = filterOf(limiterOf('some'));
measure('4,096 addresses in turn', 8, () => void some.onRequestHead(contexts[turn++ & 4095] as FilterContext));
const many = filterOf(limiterOf('many'));
measure('131,072 addresses in turn', 8, () => void many.onRequestHead(next()));
const byHeader = filterOf(limiterOf('header', { by: ['header.x-tenant'] }));
measure('131,072 values of a header', 12, () => void byHeader.onRequestHead(next()));
const two = filterOf(limiterOf('two'), limiterOf('three', { by: ['header.x-tenant'] }));
measure('two limits', 20, () => void two.onRequestHead(next()));
const exempt = filterOf(limiterOf('exempt', { exempt: ['192.0.2.0/24', '2001:db8::/32'] }));
measure('with exempt networks', 8, () => void exempt.onRequestHead(first));
const refuses = filterOf(
  limiterOf('narrow', { burst: 1, rate: { requests: 1, periodMs: 86_400_000, written: '1/1d' } }),
);
measure('a refusal', 8, () => void refuses.onRequestHead(first));
let key = 0;
const flood = limiterOf('flood', { burst: 1, rate: { requests: 1000, periodMs: 1000, written: '1000/s' } });
measure('a new key each time', 12, () => void flood.take(`key ${key++}`, systemClock.now()));

const full = new RateMemory({ clock: systemClock, random: systemRandom, stateFolder: null });
const spec = { rate: { requests: 1, periodMs: 86_400_000, written: '1/1d' }, burst: 1 };
const policy = { ...limiterOf('full', spec).policy, number: full.numberOf(spec) } as NonNullable<Limiter['policy']>;
const now = systemClock.now();
let admitted = 0;
for (let index = 0; index < 1_000_000; index++) if (full.table.take(policy, `key ${index}`, 1, now) >= 0) admitted++;
let limited = 0;
for (let index = 0; index < 1_000_000; index++) if (full.table.take(policy, `key ${index}`, 1, now) < 0) limited++;
console.log(
  `a million keys: ${(full.memory.byteLength / 1e6).toFixed(0)} MB, ${admitted} admitted once, ${limited} refused the second time, ${JSON.stringify(full.table.counts)}`,
);
