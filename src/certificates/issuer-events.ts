import type { EventSink } from '../core/event.ts';
import type { AcmeFailure } from './acme-failure.ts';
import { nextAttemptText } from '../core/managed-tls.ts';
import { hostOf } from './acme-failure.ts';
import type { StoreProblem } from './certificate-store.ts';
import type { ManagedCertificate, SupplyState } from './managed-certificate.ts';

export function reportIssued(events: EventSink, certificate: ManagedCertificate, isRenewal: boolean): void {
  const { names, directoryUrl } = certificate;
  const notAfter = dateText(certificate.notAfter);
  events.emit({
    kind: 'certificate_issued',
    subject: subjectOf(names),
    reason: `${hostOf(directoryUrl)} ${isRenewal ? 'renewed' : 'issued'} the certificate for ${names.join(', ')}; it is valid until ${notAfter}`,
    evidence: { names, authority: directoryUrl, notAfter, isRenewal },
  });
}

export function reportFailure(
  events: EventSink,
  { wanted, held, failures }: SupplyState,
  authority: string,
  failure: AcmeFailure,
  retryMs: number,
  wallTime: number,
): void {
  const { names } = wanted;
  const validUntil = held === null ? null : dateText(held.notAfter);
  const isExpired = held !== null && held.notAfter <= wallTime;
  const rest =
    validUntil === null
      ? 'there is none yet'
      : isExpired
        ? `the present one has expired on ${validUntil}: clients refuse it`
        : `the present one is valid until ${validUntil} and stays in use`;
  const what = validUntil === null ? 'no certificate' : 'no renewed certificate';
  const { kind, step, sentence, fix, detail, seen, problemType: problem } = failure;
  events.emit({
    kind: 'certificate_renewal_failed',
    subject: subjectOf(names),
    reason: `${what} for ${names.join(', ')}: ${sentence}; ${fix}; ${rest}; ${retryMs === 0 ? 'the next CA is asked now' : nextAttemptText(retryMs, 0)}`,
    evidence: {
      names,
      authority,
      cause: kind,
      step,
      problem,
      detail,
      seen,
      fix,
      failures,
      retryMs: Math.round(retryMs),
      validUntil,
    },
  });
}

/** `from`: the state before. 0 days: it has expired. */
export function reportExpiry(
  events: EventSink,
  { names, notAfter }: ManagedCertificate,
  days: number,
  from: 'valid' | 'expiring',
): void {
  const end = dateText(notAfter);
  const what = `the certificate for ${names.join(', ')} has`;
  events.emit({
    kind: 'certificate_expiring',
    subject: subjectOf(names),
    from,
    to: days === 0 ? 'expired' : 'expiring',
    reason:
      days === 0
        ? `${what} expired on ${end}, as it could not be renewed: clients refuse it; candor status says why`
        : `${what} not been renewed and expires on ${end}, in less than ${days === 1 ? 'a day' : `${days} days`}`,
    evidence: { names, notAfter: end, daysLeft: days },
  });
}

export function reportProblem(events: EventSink, folder: string, { errno, why }: StoreProblem): void {
  events.emit({
    kind: 'state_unusable',
    subject: 'gateway',
    reason: `certificates cannot be kept: ${folder} ${why}`,
    evidence: { folder, file: null, errno },
  });
}

function subjectOf(names: readonly string[]): string {
  return `certificate:${names[0] ?? ''}`;
}

function dateText(wallTime: number): string {
  return new Date(wallTime).toISOString();
}
