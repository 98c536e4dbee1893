import type { Dialect } from '../dialect.ts';
import { varnishAccessLogs } from './access-log.ts';
import { varnishTransactionLog } from './transaction-log.ts';

/** Varnish 4 to 7: varnishlog, which has the causes, and varnishncsa, which has them only in a suitable format. */
export const varnishDialects: readonly Dialect[] = [varnishTransactionLog, ...varnishAccessLogs];
