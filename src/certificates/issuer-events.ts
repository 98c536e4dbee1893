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
): void {
  const { names } = wanted;
  const validUntil = held === null ? null : dateText(held.notAfter);
  const rest = validUntil === null ? 'there is none yet' : `the present one is valid until ${validUntil}`;
  const { kind, step, sentence, fix, detail, seen, problemType: problem } = failure;
  events.emit({
    kind: 'certificate_renewal_failed',
    subject: subjectOf(names),
    reason: `no certificate for ${names.join(', ')}: ${sentence}; ${fix}; ${rest}; ${retryMs === 0 ? 'the next CA is asked now' : nextAttemptText(retryMs, 0)}`,
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

export function reportExpiry(events: EventSink, { names, notAfter }: ManagedCertificate, days: number): void {
  const end = dateText(notAfter);
  events.emit({
    kind: 'certificate_expiring',
    subject: subjectOf(names),
    to: 'expiring',
    reason: `the certificate for ${names.join(', ')} has not been renewed and expires on ${end}, in less than ${days === 1 ? 'a day' : `${days} days`}`,
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
