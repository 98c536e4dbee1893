import { proveMatrix } from './prove-matrix.ts';

// The fault origin behind the real gateway, over real sockets; `expected.md` has the result of each row.

proveMatrix('in clear text', new Set(), 2);
