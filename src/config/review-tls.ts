/** What is written about TLS to endpoints, and the files that it names. */
import { resolve } from 'node:path';
import type { ErrorCollector } from './error-collector.ts';
import type { Draft } from './draft.ts';
import { isMap } from './draft.ts';
import { periodWarning, pairError, readCertificates, readPrivateKey } from './judge-pem.ts';
import type { Path } from './position-index.ts';
import type { FileReading } from './wanted-files.ts';
import { caFilePath } from './wanted-files.ts';

interface Reviewing {
  readonly directory: string;
  readonly readings: ReadonlyMap<string, FileReading>;
  /** Null where nobody knows what time it is; periods of validity are not judged then. */
  readonly wallTime: number | null;
  readonly collector: ErrorCollector;
}

export function reviewTls(draft: Draft, reviewing: Reviewing): void {
  for (const [name, upstream] of draft.upstreams) {
    if (Array.isArray(upstream) || !isMap(upstream.tls)) continue;
    const { verify, ca_file, certificate_file, key_file } = upstream.tls;
    const at = (key: string): Path => ['upstreams', name, 'tls', key];
    if (verify === false) warnOfUnverifiedTls(at('verify'), reviewing.collector);
    for (const [index, path] of (ca_file ?? []).entries()) {
      reviewCertificates(path, caFilePath(draft, name, index), reviewing);
    }
    reviewIdentity(certificate_file, key_file, at, reviewing);
  }
}

function warnOfUnverifiedTls(at: Path, collector: ErrorCollector): void {
  collector.warnAtValue(
    at,
    'whoever answers at the address of this upstream is believed, and can read and change everything',
    'remove it, and name the authority that signed the certificate as "ca_file"',
  );
}

/** What the gateway shows of itself: a certificate and its key, or neither. */
function reviewIdentity(
  certificateFile: string | undefined,
  keyFile: string | undefined,
  at: (key: string) => Path,
  reviewing: Reviewing,
): void {
  const { collector } = reviewing;
  if (certificateFile === undefined && keyFile === undefined) return;
  if (certificateFile === undefined || keyFile === undefined) {
    const [has, lacks] = keyFile === undefined ? ['certificate_file', 'key_file'] : ['key_file', 'certificate_file'];
    return collector.errorAtKey(at(has), `"${has}" is of no use without "${lacks}"`, `add ${lacks}, or remove ${has}`);
  }
  const certificates = reviewCertificates(certificateFile, at('certificate_file'), reviewing);
  const pem = textOf(keyFile, reviewing);
  if (pem === null) return;
  const key = readPrivateKey(pem);
  if ('message' in key) collector.addDetail(at('key_file'), key);
  else if (certificates !== null) collector.addDetail(at('key_file'), pairError(certificates, key));
}

/** Null when there is nothing to go on with, and that has been said. */
function reviewCertificates(path: string, at: Path, reviewing: Reviewing): ReturnType<typeof certificatesOf> {
  const pem = textOf(path, reviewing);
  return pem === null ? null : certificatesOf(pem, at, reviewing);
}

function certificatesOf(
  pem: string,
  at: Path,
  { collector, wallTime }: Reviewing,
): Exclude<ReturnType<typeof readCertificates>, { message: string }> | null {
  const certificates = readCertificates(pem);
  if ('message' in certificates) {
    collector.addDetail(at, certificates);
    return null;
  }
  if (wallTime !== null) {
    for (const warning of periodWarning(certificates, wallTime)) collector.warnAtValue(at, warning, 'have it renewed');
  }
  return certificates;
}

/** Null for a file that has not been read, or could not be: that is said where files are read. */
function textOf(path: string, { directory, readings }: Reviewing): string | null {
  const reading = readings.get(resolve(directory, path));
  return reading?.ok === true ? reading.text : null;
}
