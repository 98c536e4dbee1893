// Only `npm run test:complete` runs this file: it repeats rows that `faults.test.ts` plays in clear text. `npm test` has
// `http2-origins.test.ts` besides.

import { proveMatrix } from './prove-matrix.ts';

// The same rows for clients of HTTP/2: what happens behind the gateway is told to them in the same words. A third of the rows, and all with
// `SWEEP=all npm test -- --only faults-over-http2`. Origins that speak HTTP/2 have rows of their own (`http2-origins.test.ts`).

proveMatrix('with HTTP/2 before the gateway', new Set(), 3);
