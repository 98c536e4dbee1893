import type { Dialect } from '../dialect.ts';
import type { Finding } from '../finding.ts';
import { nginxDialects } from './nginx.ts';

/** The verdict of the dialect that is surest of a line; of equally sure ones, the first. */
export function findingOfLine(line: string, dialects: readonly Dialect[] = nginxDialects): Finding | null {
  let best: Dialect | null = null;
  let certainty = 0;
  for (const dialect of dialects) {
    const sure = dialect.recognise(line);
    if (sure > certainty) [best, certainty] = [dialect, sure];
  }
  return best === null ? null : best.open().read(line);
}

/** A verdict in a few words, for one line of a table. */
export function inShort(finding: Finding | null): string {
  if (finding === null) return 'unrecognised';
  const { kind, shape, type, stage } = finding;
  return [kind, shape, type ?? '-', stage ?? '-'].join(' ');
}
