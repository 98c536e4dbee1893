import type { Release } from '../core/release.ts';
import type { ReleaseRefusal } from '../deploy/release-refusal.ts';
import type { ReleaseStore } from '../deploy/release-store.ts';

export function releaseNamed({ history }: ReleaseStore, name: string | null): Release | null {
  if (name === null) return history.previous;
  const found = history.releases.find(({ release }) => release.name === name || String(release.number) === name);
  return found?.release ?? null;
}

/** Releases of the same build have the log of the first of them. */
export function logNumber(store: ReleaseStore, name: string): number | null {
  const found = releaseNamed(store, name);
  if (found === null) return /^r?\d{1,9}$/.test(name) ? Number(name.replace('r', '')) : null;
  const isOfIt = ({ release: { built } }: { readonly release: Release }): boolean =>
    built !== undefined && built.source === found.built?.source;
  return store.history.releases.findLast(isOfIt)?.release.number ?? null;
}

export function noSuchRelease({ history }: ReleaseStore, name: string | null, keepMax: number): ReleaseRefusal {
  const step = 'See the releases with `candor releases`.';
  if (name === null) return { kind: 'source', reason: 'There is no release before this one.', step };
  const known = history.rollouts.flatMap(({ from, fromName, to, toName }) => [fromName, toName, `${from}`, `${to}`]);
  if (!known.includes(name)) return { kind: 'source', reason: `There is no release ${name}.`, step };
  const reason = `The release ${name} is not kept any more (\`keep: ${keepMax}\`).`;
  return { kind: 'source', reason, step: 'Deploy it again, or go to one that is kept (`candor releases`).' };
}
