import type { Random } from '../core/random.ts';
import type { AcmeFailureKind } from './acme-failure.ts';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

interface Validity {
  /** Milliseconds since the Unix epoch. */
  readonly notBefore: number;
  readonly notAfter: number;
}

/** From when until when a certificate may be renewed. */
export interface RenewalTime {
  readonly start: number;
  readonly end: number;
}

/**
 * When to renew, in milliseconds since the Unix epoch. A CA that gives renewal information spreads its load by it (RFC 9773 §4.2: a
 * uniformly random instant in the window). Otherwise at two thirds of the lifetime, up to a twentieth of it earlier, so that certificates
 * that were issued together are not all renewed together.
 */
export function renewalInstant(validity: Validity, window: RenewalTime | null, random: Random): number {
  const lifetimeMs = validity.notAfter - validity.notBefore;
  const own = validity.notBefore + (lifetimeMs * 2) / 3 - random.next() * (lifetimeMs / 20);
  if (window === null) return own;
  const chosen = window.start + random.next() * (window.end - window.start);
  // A window behind the certificate's end would let it expire.
  return chosen < validity.notAfter ? chosen : own;
}

/** How long nothing is ordered after a certificate has been issued: an hour, and less for one that lives for a few hours at most. */
export function leastPauseAfterIssue({ notBefore, notAfter }: Validity): number {
  return Math.min(hourMs, Math.max(minuteMs, (notAfter - notBefore) / 3));
}

/** How an attempt ended in vain. */
interface FailedIssue {
  readonly kind: AcmeFailureKind;
  readonly retryAfterMs: number | null;
}

/** CAs count failed validations (Let's Encrypt: five per name and hour). */
const firstPauseMs = 5 * minuteMs;
/** A CA that was down for a moment is asked sooner. */
const firstPauseOfUnreachableMs = minuteMs;
const pauseMsMax = 12 * hourMs;
const pauseMsMaxOfUnreachable = hourMs;
/** A CA that asks for more is mistaken, or its clock is: by then the certificate would be gone. */
const retryAfterMsMax = 7 * dayMs;

/** How long to wait after `failures` failures in a row (1: the first), the last of which is given. */
export function pauseAfterFailure(last: FailedIssue, failures: number, random: Random): number {
  const isUnreachable = last.kind === 'unreachable' || last.kind === 'timeout' || last.kind === 'server_error';
  const [firstMs, maxMs] = isUnreachable
    ? [firstPauseOfUnreachableMs, pauseMsMaxOfUnreachable]
    : [firstPauseMs, pauseMsMax];
  const doubled = Math.min(firstMs * 2 ** Math.min(failures - 1, 30), maxMs);
  const asked = Math.min(last.retryAfterMs ?? 0, retryAfterMsMax);
  const leastMs = last.kind === 'rate_limited' ? Math.max(hourMs, asked) : asked;
  // Only longer: a pause that the CA has asked for is not cut.
  return Math.max(doubled, leastMs) * (1 + random.next() * 0.2);
}

/** Whether another CA may issue although this one does not: nothing is wrong with the challenge, or with this machine. */
export function mayBeAuthoritysOwn(kind: AcmeFailureKind): boolean {
  return !ours.includes(kind);
}

const ours: readonly AcmeFailureKind[] = ['challenge_failed', 'no_challenge', 'not_presented', 'clock'];

/** After the first failure for a name that a client has chosen: CAs count those that are the name's fault. */
export function onDemandPause({ kind }: Pick<FailedIssue, 'kind'>, pauseMs: number): number {
  const isOfName = kind !== 'unreachable' && kind !== 'timeout' && kind !== 'server_error';
  return isOfName ? Math.max(hourMs, pauseMs) : pauseMs;
}

/** The CA to ask next, by its index: each is asked `failuresMax` times before the next one is. */
export function authorityAfter(failures: number, authorities: number, failuresMax: number): number {
  return authorities === 0 ? 0 : Math.floor(failures / failuresMax) % authorities;
}

const warningDays = [21, 7, 1, 0];

/**
 * How many days before its end a certificate is to be warned about now: 21, 7, 1, 0 (it has expired); null: not yet. One of a short lifetime
 * is warned about only when it should have been renewed for long.
 */
export function expiryWarning({ notBefore, notAfter }: Validity, wallTime: number): number | null {
  const lifetimeMs = notAfter - notBefore;
  const due = warningDays.filter((days) => days * dayMs < lifetimeMs / 3 && notAfter - wallTime <= days * dayMs);
  return due.at(-1) ?? null;
}
