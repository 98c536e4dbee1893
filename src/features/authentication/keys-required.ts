import { basename } from 'node:path';
import { nearest } from '../../core/nearest.ts';
import { quoted } from '../../schema/error-detail.ts';
import type { Findings, Path } from '../../schema/findings.ts';

/** A user of a file, or the owner of a key. */
export interface ListedUser {
  readonly name: string;
  readonly groups: readonly string[];
}

/** Names and groups that `require` wants and no line of the only file of users has. `at` is the path of the authentication. */
export function reviewRequired(
  require:
    | { readonly users?: readonly string[] | undefined; readonly groups?: readonly string[] | undefined }
    | undefined,
  listed: readonly ListedUser[],
  file: string,
  at: Path,
  findings: Findings,
): void {
  const known = { users: listed.map(({ name }) => name), groups: listed.flatMap(({ groups }) => groups) };
  for (const key of ['users', 'groups'] as const) {
    const there = new Set(known[key]);
    for (const wanted of require?.[key] ?? []) {
      if (there.has(wanted)) continue;
      const [near] = nearest(wanted, [...there], 1);
      findings.warnAtKey(
        [...at, 'require', key],
        `${quoted(basename(file))} has no ${key === 'users' ? 'user' : 'user in the group'} ${quoted(wanted)}`,
        near === undefined ? 'add a line to the file, or remove it here' : `did you mean ${quoted(near)}?`,
      );
    }
  }
}
