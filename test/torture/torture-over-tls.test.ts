// Only `npm run test:complete` runs this file: it repeats what `torture.test.ts` shows of clients in clear text.

import { describe, test } from 'node:test';
import { tortureCases } from '../../src/testing/torture/cases.ts';
import { sampled } from '../../src/testing/sweep.test-support.ts';
import { tortureCandor } from './put-to-torture.ts';

// What happens behind the gateway is told to these clients in the same words: a third of the cases shows it, from every part. All of them
// with `SWEEP=all npm test -- --only torture-over-tls`.
const cases = sampled(
  tortureCases.map(({ id }) => id),
  3,
  0,
);

describe('Candor under torture, with clients within TLS', { timeout: 120_000 }, () => {
  test('mislabels no failure, harms no client and keeps none waiting', (context) =>
    tortureCandor(context, 'https', cases));
});
