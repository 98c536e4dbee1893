import { invariantOf } from '../core/assert.ts';
import { fail, type Failure } from '#failures/failure.ts';
import type { Filter } from '../core/filter.ts';

/** A filter has thrown: a defect of the filter, which ends one exchange. */
export function filterFault({ name }: Filter, error: unknown): Failure {
  return fail('gateway_fault', 'filter', { invariant: `filter ${name}: ${invariantOf(error)}` });
}
