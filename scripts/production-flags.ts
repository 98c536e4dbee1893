import { setServingFlags } from '../src/system/serving-flags.ts';

// Loaded before a program that measures what V8 does with the code of a gateway.

setServingFlags();
