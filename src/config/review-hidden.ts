import { type Draft, isMap } from './draft.ts';
import type { ErrorCollector } from './error-collector.ts';
import { hidingAt } from './hidden-keys.ts';
import type { Path } from '../schema/findings.ts';

/** Asterisks that `candor configuration show` printed in place of a secret, and that were not replaced by it. */
export function reviewHidden(draft: Draft, collector: ErrorCollector): void {
  for (const path of hiddenValues(draft.raw))
    collector.warnAtValue(
      path,
      'this is what `candor configuration show` prints in place of a hidden value',
      'put the value back',
    );
}

/** Where `***` stands for a value, or for a part of one that may be hidden. */
export function* hiddenValues(value: unknown, path: Path = []): Generator<Path> {
  // What a route answers is text of any kind.
  if (path[0] === 'routes' && path.at(-1) === 'respond') return;
  if (typeof value === 'string' && value.includes('***')) {
    if (value === '***' || value.includes('//***@') || hidingAt(path, value).hiding !== null) yield path;
  } else if (Array.isArray(value)) for (const [at, one] of value.entries()) yield* hiddenValues(one, [...path, at]);
  else if (isMap(value)) for (const [key, one] of Object.entries(value)) yield* hiddenValues(one, [...path, key]);
}
