import { proveMatrix } from './prove-matrix.ts';

// The same rows with TLS to the origin as well: `tls-front.ts` passes on how the origin ends a connection. An eighth of the
// rows, and all with `SWEEP=all npm test -- --only faults-over-tls-both-sides`.

proveMatrix('with TLS on both sides', new Set(), 8);
