import { allDialects as foreignDialects } from '#explain/all-dialects.ts';
import type { Dialect } from '#explain/dialect.ts';
import { candorDialects } from './candor.ts';

/** The logs of other gateways, and Candor's own. In the order in which they are asked. */
export const allDialects: readonly Dialect[] = [...foreignDialects, ...candorDialects];
