import type { ConcurrencyRead } from './concurrency-schema.ts';
import type { Draft } from './draft.ts';
import type { ErrorCollector } from './error-collector.ts';
import { quoted } from '../schema/error-detail.ts';
import type { Path } from '../schema/findings.ts';

/** Half of what the shared memory has room for: during a reload those of two configurations are counted. */
export const boundsMax = 256;

interface WrittenBound {
  readonly path: Path;
  readonly read: ConcurrencyRead;
}

/** Bounds of requests in flight, and priorities, which are nothing without them. */
export function reviewConcurrency(draft: Draft, collector: ErrorCollector): void {
  const bounds = writtenBounds(draft);
  for (const { path, read } of bounds) {
    if (typeof read === 'number' || read.max !== undefined || read.adaptive === true) continue;
    collector.errorAtKey(path, '"concurrency" bounds nothing', 'write "max", or "adaptive: true"');
  }
  const breakers = [...draft.routes].flatMap(([at, { circuit_breaker: read }]): Path[] =>
    read === undefined || read === false ? [] : [['routes', at, 'circuit_breaker']],
  );
  const counted = [...bounds.map(({ path }) => path), ...breakers];
  const first = counted[boundsMax];
  if (first !== undefined) {
    const who =
      breakers.length === 0
        ? 'routes and upstreams have "concurrency"'
        : 'routes and upstreams have "concurrency" or "circuit_breaker"';
    collector.errorAtKey(
      first,
      `${counted.length} ${who}, and the gateway counts ${boundsMax}`,
      'bound upstreams, and only those routes that need less than their upstream',
    );
  }
  for (const [at, { priority, concurrency, to }] of draft.routes) {
    if (priority === undefined || priority === 'normal' || to === undefined || concurrency !== undefined) continue;
    if (bounds.some(({ path }) => path[0] !== 'routes' && path[1] === to)) continue;
    collector.warnAtKey(
      ['routes', at, 'priority'],
      `"priority" has no effect: neither the route nor ${quoted(to)} has "concurrency", so that no request waits for its turn`,
      `give ${quoted(to)} a "concurrency", or remove it`,
    );
  }
}

function writtenBounds({ upstreams, applications, routes }: Draft): readonly WrittenBound[] {
  const bounds: WrittenBound[] = [];
  const add = (path: Path, read: ConcurrencyRead | undefined): void => {
    if (read !== undefined) bounds.push({ path: [...path, 'concurrency'], read });
  };
  for (const [name, read] of upstreams) if ('concurrency' in read) add(['upstreams', name], read.concurrency);
  for (const [name, { concurrency }] of applications) add(['applications', name], concurrency);
  for (const [at, { concurrency }] of routes) add(['routes', at], concurrency);
  return bounds;
}
