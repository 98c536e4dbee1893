import { proveMatrix } from './prove-matrix.ts';

// The same rows for clients within TLS: what happens behind the gateway is told to them in the same words.

proveMatrix('with TLS before the gateway');
