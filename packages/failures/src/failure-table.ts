import { client } from './failure-table/client.ts';
import { garbage } from './failure-table/garbage.ts';
import { refusedByGateway } from './failure-table/refused-by-gateway.ts';
import { reset } from './failure-table/reset.ts';
import type { FailureTable } from './failure-spec.ts';
import type { TypeOfShape } from './proxy-error.ts';
import type { Cause } from './failure.ts';
import type { Shape } from './shape.ts';
import { tooSlow } from './failure-table/too-slow.ts';
import { unreachableTls } from './failure-table/unreachable-tls.ts';
import { unreachable } from './failure-table/unreachable.ts';

const entries = {
  ...unreachable,
  ...unreachableTls,
  ...tooSlow,
  ...reset,
  ...garbage,
  ...refusedByGateway,
  ...client,
} satisfies FailureTable;

/**
 * The table of failures, one entry per cause, in the order of `Evidence`. Responses, records, health,
 * retries, metrics and `docs/failures.md` all use it. `explain.ts` has its queries.
 */
export const failureTable: FailureTable = entries;

/** The causes of a shape, so that a table by them is complete or does not compile. */
export type CauseOfShape<S extends Shape> = {
  [C in Cause]: (typeof entries)[C]['type'] extends TypeOfShape<S> ? C : never;
}[Cause];
