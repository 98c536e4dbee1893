import type { Dialect } from '../dialect.ts';
import { varnishAccessLogs } from './access-log.ts';
import { varnishTransactionLog } from './transaction-log.ts';

/** Varnish 4 to 7: varnishlog, which knows why, and varnishncsa, which does not unless it is told to. */
export const varnishDialects: readonly Dialect[] = [varnishTransactionLog, ...varnishAccessLogs];
