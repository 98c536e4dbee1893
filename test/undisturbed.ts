import { systemClock } from '../src/testing/system.ts';
import { HoldUpWatch } from '../src/testing/torture/torture.ts';

/**
 * Runs the body of a test whose gateway has time limits of a few hundred milliseconds. If it fails, and this process was held up meanwhile, one of them may have passed
 * that the test does not mean: it runs again, three times at most. The body ends what it has started.
 */
export async function undisturbed(body: () => Promise<void>): Promise<void> {
  const { seen } = await new HoldUpWatch(systemClock).observe(
    () =>
      body().then(
        () => null,
        (error: unknown) => ({ error }),
      ),
    (failure) => failure === null,
  );
  if (seen !== null) throw seen.error;
}
