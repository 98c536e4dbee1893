import type { Dialect } from '../dialect.ts';
import type { Finding } from '../finding.ts';
import { nginxDialects } from './nginx.ts';

/** What the dialect that is surest of a line says of it; the first of several that are as sure. */
export function findingOfLine(line: string, dialects: readonly Dialect[] = nginxDialects): Finding | null {
  let best: Dialect | null = null;
  let certainty = 0;
  for (const dialect of dialects) {
    const sure = dialect.recognise(line);
    if (sure > certainty) [best, certainty] = [dialect, sure];
  }
  return best === null ? null : best.open().read(line);
}

/** Words for a verdict that fit on one line of a table. */
export function inShort(finding: Finding | null): string {
  if (finding === null) return 'unrecognised';
  const { kind, shape, type, stage } = finding;
  return [kind, shape, type ?? '-', stage ?? '-'].join(' ');
}
