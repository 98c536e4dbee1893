import fc from 'fast-check';

/**
 * fast-check, with one seed for the whole suite: the same code passes or fails in each run. `PROPERTY_SEED=random` looks further,
 * `PROPERTY_SEED=<number>` repeats what a failure has printed.
 */
const wanted = process.env['PROPERTY_SEED'] ?? '20260501';
if (wanted !== 'random') fc.configureGlobal({ seed: Number(wanted) });

export default fc;
