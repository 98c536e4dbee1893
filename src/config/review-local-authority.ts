import { hostsBeyond, hostsOfAuthority } from '../core/managed-tls.ts';
import { automaticHosts } from './automatic-tls.ts';
import type { Draft } from './draft.ts';
import type { ErrorCollector } from './error-collector.ts';
import { tlsOfListener, type FileReading, type WantedFile } from './wanted-files.ts';

/** A host that the certificate of the local CA is not for yet: clients refuse it until they trust the next one. */
export function reviewLocalAuthority(
  draft: Draft,
  wanted: readonly WantedFile[],
  readings: ReadonlyMap<string, FileReading>,
  collector: ErrorCollector,
): void {
  const found = wanted.find(({ kind }) => kind === 'local_authority');
  const reading = found === undefined ? undefined : readings.get(found.path);
  const madeFor = reading?.ok === true ? hostsOfAuthority(reading.text) : null;
  if (found === undefined || madeFor === null) return;
  const hosts = [...draft.listeners.values()].flatMap((listener) => {
    const tls = tlsOfListener(listener);
    return tls?.internal === true ? automaticHosts(tls, draft, []) : [];
  });
  const further = hostsBeyond(madeFor, [...new Set(hosts)]);
  if (further.length > 0)
    collector.warnAtKey(
      found.at,
      `the certificate of the local CA is not for ${further.join(', ')}: clients that trust it refuse ${further.length === 1 ? 'that host' : 'those hosts'}, and go on accepting the others`,
      'after the reload let clients trust the new certificate too: candor trust says how',
    );
}
