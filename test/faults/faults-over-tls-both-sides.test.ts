import { proveMatrix } from './prove-matrix.ts';

// The same rows with TLS to the origin as well: `tls-front.ts` passes on how the origin ends a connection.

proveMatrix('with TLS on both sides');
