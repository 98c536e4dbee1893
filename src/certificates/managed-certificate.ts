import { readCertificate } from './certificate-facts.ts';
import type { StoredCertificate } from './certificate-store.ts';
import type { ChallengeResponder } from './challenges.ts';
import type { RenewalTime } from './renewal.ts';
import type { ManagedFailure, ManagedProgress, ManagedState } from '../core/managed-tls.ts';
import { after, type Instant } from '../core/time.ts';

/** Names that are to have one certificate together, and what shows the challenges for them. */
export interface WantedCertificate {
  readonly names: readonly string[];
  readonly responder: ChallengeResponder;
  /** A client has asked for it: it is obtained once, and renewed only while it is used. */
  readonly isOnDemand?: boolean;
}

/** A certificate in use, as listeners need it. */
export interface ManagedCertificate {
  readonly names: readonly string[];
  /** The chain and the private key, in PEM. */
  readonly certificate: string;
  readonly key: string;
  /** Milliseconds since the Unix epoch. */
  readonly notBefore: number;
  readonly notAfter: number;
  /** The directory of the CA that issued it. */
  readonly directoryUrl: string;
}

/** A certificate in use, and when the issuer renews it. */
export interface HeldCertificate extends ManagedCertificate {
  readonly renewalId: string | null;
  /** On the wall clock. */
  renewAt: number;
  window: RenewalTime | null;
  informationDueAt: Instant;
  /** It could not be written to the disk yet. */
  isUnsaved: boolean;
}

/** What the issuer knows about one wanted certificate. */
export class SupplyState {
  wanted: WantedCertificate;
  held: HeldCertificate | null = null;
  /** In a row. */
  failures = 0;
  /** No attempt before. */
  nextAttemptAt = 0 as Instant;
  /** The last attempt, if it has failed. */
  failure: ManagedFailure | null = null;
  /** The step of the order in progress; null: none is in progress. */
  progress: ManagedProgress | null = null;
  /** When it was first wanted, on the wall clock. */
  readonly #wantedAt: number;
  /** By the URLs of the CAs' directories: failures in a row there, and when the CA may be asked again. */
  readonly #pauses = new Map<string, { readonly failures: number; readonly until: Instant }>();
  /** Days of the last warning; null: none. */
  warnedDays: number | null = null;
  /** When a client has last asked for one on demand, on the wall clock; null: not since the start. */
  usedAt: number | null = null;

  constructor(wanted: WantedCertificate, wallTime: number) {
    this.wanted = wanted;
    this.#wantedAt = wallTime;
  }

  stateAt(now: Instant, wallTime: number, isOwner: boolean): ManagedState {
    const { held, failure } = this;
    const [notAfter, renewAt] = [held?.notAfter ?? null, held?.renewAt ?? null];
    const due = this.isDue(now, wallTime) ? this.#dueProgress(isOwner) : null;
    return { names: this.wanted.names, notAfter, renewAt, failure, progress: this.progress ?? due };
  }

  #dueProgress(isOwner: boolean): ManagedProgress {
    const since = Math.max(this.#wantedAt, this.failure?.retryAt ?? 0, this.held?.renewAt ?? 0);
    return { step: isOwner ? 'queued' : 'other_process', authority: null, name: null, challenge: null, since };
  }

  isDue(now: Instant, wallTime: number): boolean {
    if (now < this.nextAttemptAt) return false;
    if (this.held === null) return !this.#isGivenUp;
    return wallTime >= this.held.renewAt && this.isUsed;
  }

  /** On demand: nobody is waiting for it any more, or nobody has asked for it since it was to be renewed. */
  isOver(now: Instant, wallTime: number): boolean {
    if (this.wanted.isOnDemand !== true) return false;
    if (this.held === null) return this.#isGivenUp && now >= this.nextAttemptAt;
    return wallTime >= this.held.notAfter;
  }

  /** On demand: it has neither a certificate nor failed. */
  get isOnDemandPending(): boolean {
    return this.wanted.isOnDemand === true && this.held === null && this.failure === null;
  }

  /** A name that a client has chosen is not tried again until a client asks for it again. */
  get #isGivenUp(): boolean {
    return this.wanted.isOnDemand === true && this.failure !== null;
  }

  /** False: it was obtained on demand, and no client has asked for it since it was to be renewed. */
  get isUsed(): boolean {
    if (this.wanted.isOnDemand !== true || this.held === null) return true;
    return this.usedAt !== null && this.usedAt >= this.held.renewAt;
  }

  /** How long until something is to be done, in milliseconds. */
  dueInMs(now: Instant, wallTime: number): number {
    const attemptMs = this.nextAttemptAt - now;
    if (this.held === null) return Math.max(0, attemptMs);
    const renewalMs = this.isUsed
      ? Math.max(attemptMs, this.held.renewAt - wallTime)
      : Math.max(0, this.held.notAfter - wallTime);
    const expiryMs = this.held.notAfter > wallTime ? this.held.notAfter - wallTime : Infinity;
    return Math.max(0, Math.min(renewalMs, this.held.informationDueAt - now, expiryMs));
  }

  isPaused(directoryUrl: string, now: Instant): boolean {
    return now < (this.#pauses.get(directoryUrl)?.until ?? 0);
  }

  failuresAt(directoryUrl: string): number {
    return this.#pauses.get(directoryUrl)?.failures ?? 0;
  }

  pause(directoryUrl: string, until: Instant): void {
    this.#pauses.set(directoryUrl, { failures: this.failuresAt(directoryUrl) + 1, until });
  }

  /** Until the first of these CAs may be asked, in milliseconds. */
  shortestPauseMs(directoryUrls: readonly string[], now: Instant): number {
    return Math.max(0, Math.min(...directoryUrls.map((url) => (this.#pauses.get(url)?.until ?? now) - now)));
  }

  succeeded(): void {
    this.#pauses.clear();
    this.failures = 0;
    this.failure = null;
    this.warnedDays = null;
  }

  failed(now: Instant, pauseMs: number, failure: ManagedFailure): void {
    this.failures++;
    this.failure = failure;
    this.nextAttemptAt = after(now, pauseMs);
  }
}

/** Null: it is not usable. `renewAt` computes when the issuer renews it. */
export function holdCertificate(
  stored: StoredCertificate,
  now: Instant,
  renewAt: (validity: { readonly notBefore: number; readonly notAfter: number }) => number,
): HeldCertificate | null {
  const facts = readCertificate(stored.chain, stored.key);
  if (facts === null) return null;
  const { notBefore, notAfter, renewalId } = facts;
  const { names, chain, key, directoryUrl } = stored;
  return {
    ...{ names, certificate: chain, key, directoryUrl, notBefore, notAfter, renewalId },
    ...{ renewAt: renewAt(facts), window: null, informationDueAt: now, isUnsaved: false },
  };
}
