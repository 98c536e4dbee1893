import { existsSync, readFileSync } from 'node:fs';

/**
 * When Candor had said, of so many endpoints, that checks and requests disagree: milliseconds since the epoch. The events are the lines
 * of its standard error.
 */
export function disagreementsNamedAt(file: string, endpoints: number): number | 'never' {
  const named = new Set<string>();
  for (const line of existsSync(file) ? readFileSync(file, 'utf8').split('\n') : []) {
    if (!line.includes('"health_disagreement"')) continue;
    const { at, subject } = JSON.parse(line) as { readonly at: string; readonly subject: string };
    named.add(subject);
    if (named.size === endpoints) return Date.parse(at);
  }
  return 'never';
}
