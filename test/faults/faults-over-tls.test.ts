// Only `npm run test:complete` runs this file: it repeats rows that `faults.test.ts` plays in clear text. `npm test` has
// `faults-over-tls-both-sides.test.ts` besides.

import { proveMatrix } from './prove-matrix.ts';

// The same rows for clients within TLS: what happens behind the gateway is told to them in the same words. All rows run in
// clear text; here a third of them, and all with `SWEEP=all npm test -- --only faults-over-tls`.

proveMatrix('with TLS before the gateway', new Set(), 3);
