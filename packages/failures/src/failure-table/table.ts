import type { FailureSpec } from '../failure-spec.ts';
import type { Cause } from '../failure.ts';

/** One entry per cause, each with the evidence type of its own cause. */
export type FailureTable = { readonly [C in Cause]: FailureSpec<C> };
