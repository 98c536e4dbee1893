import { type Dialect, dialect } from '../dialect.ts';
import { judgedText } from '../line-text.ts';
import { readAccessLine } from './access-line.ts';
import { type CaddyLine, caddyLine, certaintyOf } from './caddy-line.ts';
import { readRuntimeLine } from './error-line.ts';
import { isVersionOne, readVersionOne } from './version-one.ts';

const versionTwo = dialect(
  'caddy',
  'Caddy log',
  (line) => certaintyOf(caddyLine(judgedText(line))),
  (line) => {
    const read = caddyLine(judgedText(line));
    if (read === null || certaintyOf(read) === 0 || isErrorOfOther(read)) return null;
    const isAccess = read.text === 'handled request' && !read.logger.startsWith('http.log.error');
    return isAccess ? readAccessLine(read) : readRuntimeLine(read);
  },
);

/** An error in a line that any program may have written. What failed is not known to be Caddy's. */
function isErrorOfOther(line: CaddyLine): boolean {
  return certaintyOf(line) < 2 && /^(?:error|panic|fatal)$/.test(line.level);
}

const versionOne = dialect(
  'caddy',
  'Caddy 1 error log',
  (line) => (isVersionOne(line.slice(0, 8192)) ? 2 : 0),
  (line) => readVersionOne(judgedText(line)),
);

/** Caddy 2 in JSON and on the console, errors and accesses; the error log of Caddy 1. */
export const caddyDialects: readonly Dialect[] = [versionTwo, versionOne];
