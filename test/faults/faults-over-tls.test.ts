import { proveMatrix } from './prove-matrix.ts';

// The same rows for clients within TLS: what happens behind the gateway is told to them in the same words. All rows run with TLS on
// both sides; here a third of them, and all with `FAULT_ROWS=all npm test -- --only faults-over-tls`.

proveMatrix('with TLS before the gateway', new Set(), process.env['FAULT_ROWS'] === 'all' ? 1 : 3);
