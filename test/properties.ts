import fc from 'fast-check';
import { isWholeSweep } from '../src/testing/sweep.test-support.ts';

/**
 * fast-check, with one seed for the whole suite: the same code passes or fails in each run. `PROPERTY_SEED=random` looks further,
 * `PROPERTY_SEED=<number>` repeats what a failure has printed.
 */
const wanted = process.env['PROPERTY_SEED'] ?? '20260501';
if (wanted !== 'random') fc.configureGlobal({ seed: Number(wanted) });

/** Of fast-check, where a test states no number. */
const usualRuns = 100;

/** A twentieth of the cases, ten at least: all are tried in whole sweeps (`src/testing/sweep.test-support.ts`), and by `PROPERTY_SEED=random`. */
function runsOf(stated = usualRuns): number {
  return isWholeSweep || wanted === 'random' ? stated : Math.min(stated, Math.max(10, Math.ceil(stated / 20)));
}

export * from 'fast-check';

/** As that of fast-check, which this module exports otherwise as it is. */
export const assert = ((...[property, parameters = {}]: Parameters<typeof fc.assert<unknown>>) =>
  fc.assert(property, { ...parameters, numRuns: runsOf(parameters.numRuns) })) as typeof fc.assert;
