import type { Dialect } from '../dialect.ts';
import { apacheAccessLogs } from './access-log.ts';
import { apacheErrorLog } from './error-log.ts';

/** Apache httpd 2.2 and 2.4: the error log, which knows why, and access logs in formats that are its own. */
export const apacheDialects: readonly Dialect[] = [apacheErrorLog, ...apacheAccessLogs];
