import { type Draft, isMap } from './draft.ts';
import type { ErrorCollector } from './error-collector.ts';
import type { Path } from './position-index.ts';

/** Asterisks that `candor configuration show` printed in place of a secret, and that were not replaced by it. */
export function reviewHidden(draft: Draft, collector: ErrorCollector): void {
  warnWithin(draft.raw, [], collector);
}

function warnWithin(value: unknown, path: Path, collector: ErrorCollector): void {
  // What a route answers is text of any kind.
  if (path[0] === 'routes' && path.at(-1) === 'respond') return;
  if (value === '***')
    collector.warnAtValue(
      path,
      'this is what `candor configuration show` prints in place of a hidden value',
      'put the value back',
    );
  if (Array.isArray(value)) for (const [at, one] of value.entries()) warnWithin(one, [...path, at], collector);
  else if (isMap(value)) for (const [key, one] of Object.entries(value)) warnWithin(one, [...path, key], collector);
}
