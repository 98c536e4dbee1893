import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { failureTable } from '#failures/failure-table.ts';
import type { Cause } from '#failures/failure.ts';
import { repositoryRoot } from './repository.ts';

/**
 * The causes that the sources raise: by `fail('cause'`, or by a value with that cause. Code that only
 * declares, compares or tests a cause does not count.
 */
export function raisedCauses(): ReadonlySet<Cause> {
  const folder = join(repositoryRoot, 'src');
  const source = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts') && !/^testing\b/.test(file))
    .map((file) => readFileSync(join(folder, file), 'utf8'))
    .join('\n');
  const isRaised = (cause: Cause): boolean =>
    new RegExp(`\\bfail\\(\\s*'${cause}'|(?<!readonly )\\bcause: '${cause}'`).test(source);
  return new Set((Object.keys(failureTable) as Cause[]).filter(isRaised));
}
