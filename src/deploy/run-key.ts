import { createHash } from 'node:crypto';
import type { ApplicationSpec } from '../core/configuration.ts';

/**
 * What makes a new instance necessary, as a digest: settings may be secrets, and it is written to disk. Readiness is
 * among it although no process depends on it: a mistake in it then leaves the old instances serving, where it would
 * otherwise take them out one after the other. `inherited`: what the program gets of our own environment.
 */
export function runKeyOf(spec: ApplicationSpec, inherited: Readonly<Record<string, string | undefined>>): string {
  const { command, directory, environment, port, readiness } = spec;
  const { path, intervalMs, timeoutMs, passes, startMs, tcp, headers, expectStatus, expectHeaders, expectBody } =
    readiness;
  const asked = { tcp, headers, expectStatus, expectHeaders, expectBody };
  const made = [command, directory, sorted(environment), port, path, intervalMs, timeoutMs, passes, startMs];
  return (
    createHash('sha256')
      // Where none of these is set, they do not count: a version that knows more of them keeps such instances in an upgrade.
      .update(JSON.stringify([...made, ...(Object.values(asked).some(Boolean) ? [asked] : []), sorted(inherited)]))
      .digest('base64url')
  );
}

function sorted(variables: Readonly<Record<string, string | undefined>>): readonly (readonly [string, string])[] {
  return Object.entries(variables)
    .flatMap(([name, value]): [string, string][] => (value === undefined ? [] : [[name, value]]))
    .sort(([a], [b]) => (a < b ? -1 : 1));
}
