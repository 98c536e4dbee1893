import type { EventSink } from '../core/event.ts';
import type { ManagedState } from '../core/managed-tls.ts';
import type { Random } from '../core/random.ts';
import type { Result } from '#failures/result.ts';
import { failWith } from '#failures/result.ts';
import { after, type Clock, type Timer } from '../core/time.ts';
import type { AcmeSettings, IssuedChain } from './acme-client.ts';
import type { AcmeFailure } from './acme-failure.ts';
import type { AcmeTransport } from './acme-transport.ts';
import { AuthorityClients } from './authority-clients.ts';
import type { ChallengeCheck, OrderStepListener } from './authorize.ts';
import { type CertificateStore, sortedNames, type StoreProblem, type StoredCertificate } from './certificate-store.ts';
import { turned } from './challenges.ts';
import { reportExpiry, reportFailure, reportIssued, reportProblem } from './issuer-events.ts';
import {
  type HeldCertificate,
  holdCertificate,
  type ManagedCertificate,
  SupplyState,
  type WantedCertificate,
} from './managed-certificate.ts';
import {
  authorityAfter,
  expiryWarning,
  mayBeAuthoritysOwn,
  onDemandPause,
  pauseAfterFailure,
  renewalInstant,
  leastPauseAfterIssue,
} from './renewal.ts';

export interface IssuerPorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly transport: AcmeTransport;
  readonly store: CertificateStore;
  readonly events: EventSink;
  readonly check: ChallengeCheck | null;
}

export interface IssuerSettings {
  /**
   * The CAs, the preferred one first. The next one is asked at once for a host without a valid certificate where the CA cannot issue,
   * otherwise after `failuresMax` failures in a row.
   */
  readonly authorities: readonly AcmeSettings[];
  readonly failuresMax: number;
}

const repairFolder = 'let the gateway write there, and only its user';
const minuteMs = 60_000;
/** The wall clock may jump, and another process may have renewed. */
const turnMsMax = 60 * minuteMs;
/** So long after its owner has gone another process takes the folder over. */
const turnMsOfOther = minuteMs;
/** A name that a client asked this process for, and that the owner was not asked for. */
const pendingMsOfOther = 10 * minuteMs;
/** RFC 9773 §4.3.2: between a minute and a day, where the CA says nothing else. */
const informationMs = 6 * 60 * minuteMs;
const informationMsMax = 24 * 60 * minuteMs;

/**
 * Keeps names supplied with certificates: loads them from the store, orders those that are missing or due, one after the other, and
 * publishes all that are there whenever one changes. A certificate is only ever replaced by a better one: a CA that is down takes
 * nothing away. Of all processes that share the store, one orders; the others publish what it writes.
 */
export class Issuer {
  readonly #ports: IssuerPorts;
  readonly #settings: IssuerSettings;
  /** Resolves when clients are shown them. */
  readonly #publish: (certificates: readonly ManagedCertificate[]) => Promise<void>;
  #states = new Map<string, SupplyState>();
  readonly #clients: AuthorityClients;
  #timer: Timer | null = null;
  #turn: Promise<void> | null = null;
  #isAskedAgain = false;
  #isClosed = false;
  #problem: string | null = null;

  constructor(
    ports: IssuerPorts,
    settings: IssuerSettings,
    publish: (certificates: readonly ManagedCertificate[]) => Promise<void>,
  ) {
    this.#ports = ports;
    this.#clients = new AuthorityClients(ports);
    this.#settings = settings;
    this.#publish = publish;
  }

  /** Begins, or goes on with other certificates. What is in the store is published before this returns. */
  setWanted(wanted: readonly WantedCertificate[]): void {
    const next = new Map<string, SupplyState>();
    for (const one of wanted) {
      const key = sortedNames(one.names).join(' ');
      const state = this.#states.get(key) ?? new SupplyState(one, this.#ports.clock.wallTime());
      state.wanted = one;
      next.set(key, state);
    }
    for (const [key, state] of this.#states) {
      if (state.wanted.isOnDemand === true && !next.has(key)) next.set(key, state);
    }
    this.#states = next;
    for (const state of next.values()) this.#load(state);
    void this.#publishAll();
    this.#runSoon();
  }

  /** Another process may have written a certificate, or has released the folder. */
  look(): void {
    if (!this.#ports.store.isOwner) this.#runSoon();
  }

  /** A client has asked for a name: orders a certificate for it, or notes that the one it has is used. */
  wantOnDemand(wanted: WantedCertificate): void {
    const key = sortedNames(wanted.names).join(' ');
    const known = this.#states.get(key);
    const wallTime = this.#ports.clock.wallTime();
    const state = known ?? new SupplyState({ ...wanted, isOnDemand: true }, wallTime);
    state.usedAt = wallTime;
    if (known === undefined) {
      this.#states.set(key, state);
      if (this.#load(state)) void this.#publishAll();
    }
    this.#runSoon();
  }

  /** Null: it is not wanted. */
  stateOf(name: string): SupplyState | null {
    return this.#states.get(name) ?? null;
  }

  get onDemand(): readonly SupplyState[] {
    return [...this.#states.values()].filter(({ wanted }) => wanted.isOnDemand === true);
  }

  /** In the order in which they are wanted. */
  states(): readonly ManagedState[] {
    const { clock, store } = this.#ports;
    const [now, wallTime, { isOwner }] = [clock.now(), clock.wallTime(), store];
    return [...this.#states.values()].map((state) => state.stateAt(now, wallTime, isOwner));
  }

  /** Orders nothing new. Resolves when the order in progress has ended, and the store is another process's to take. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#timer?.cancel();
    await this.#turn;
    this.#ports.store.release();
  }

  #runSoon(): void {
    if (this.#isClosed) return;
    this.#isAskedAgain = true;
    this.#timer?.cancel();
    this.#turn ??= this.#runTurns();
  }

  async #runTurns(): Promise<void> {
    while (this.#isAskedAgain && !this.#isClosed) {
      this.#isAskedAgain = false;
      await this.#runTurn();
    }
    // In the same step as the last look at #isAskedAgain: otherwise a request in between would be lost.
    this.#turn = null;
    if (!this.#isClosed) this.#schedule();
  }

  async #runTurn(): Promise<void> {
    const { clock, store } = this.#ports;
    const wasOwner = store.isOwner;
    const owned = this.#states.size > 0 && store.tryToOwn(new Date(clock.wallTime()).toISOString());
    this.#dropOver();
    const states = [...this.#states.values()];
    if (typeof owned === 'object') this.#note(owned);
    else if (states.every(({ held }) => held?.isUnsaved !== true)) this.#note(null);
    // Orders may take minutes.
    for (const state of states) this.#warn(state, 0);
    for (const state of states) {
      if (this.#isClosed) return;
      // Another process may write, or has written before it went.
      if (!wasOwner && this.#load(state)) await this.#publishAll();
      if (owned === true) await this.#supply(state);
      this.#warn(state, Infinity);
    }
  }

  #warn(state: SupplyState, daysMax: number): void {
    const { clock, events } = this.#ports;
    const { held, isUsed, warnedDays } = state;
    const days = held === null || !isUsed ? null : expiryWarning(held, clock.wallTime());
    if (held === null || days === null || days > daysMax || days >= (warnedDays ?? Infinity)) return;
    state.warnedDays = days;
    reportExpiry(events, held, days, warnedDays === null ? 'valid' : 'expiring');
  }

  /** What was obtained on demand and is not used any more. */
  #dropOver(): void {
    const { clock, store } = this.#ports;
    const [now, wallTime] = [clock.now(), clock.wallTime()];
    let isFewer = false;
    for (const [key, state] of this.#states) {
      const isLeft = !store.isOwner && state.isOnDemandPending && wallTime - (state.usedAt ?? 0) > pendingMsOfOther;
      if (!state.isOver(now, wallTime) && !isLeft) continue;
      this.#states.delete(key);
      isFewer ||= state.held !== null;
      if (state.held !== null) store.removeCertificate(state.wanted.names);
    }
    if (isFewer) void this.#publishAll();
  }

  #schedule(): void {
    const { clock, store } = this.#ports;
    const [now, wallTime] = [clock.now(), clock.wallTime()];
    const due = [...this.#states.values()].map((state) => state.dueInMs(now, wallTime));
    const nextMs = store.isOwner ? Math.min(turnMsMax, ...due) : turnMsOfOther;
    this.#timer = clock.schedule(after(now, Math.max(1000, nextMs)), () => this.#runSoon(), undefined);
  }

  /** Whether the store has another certificate than the one in use. */
  #load(state: SupplyState): boolean {
    const stored = this.#ports.store.readCertificate(state.wanted.names);
    const { held } = state;
    if (stored === null || held?.certificate === stored.chain) return false;
    const loaded = this.#hold(stored);
    if (loaded === null || (held !== null && held.notAfter >= loaded.notAfter)) return false;
    if (state.wanted.isOnDemand === true && loaded.notAfter <= this.#ports.clock.wallTime()) return false;
    state.held = loaded;
    state.warnedDays = null;
    return true;
  }

  #hold(stored: StoredCertificate): HeldCertificate | null {
    const { clock, random } = this.#ports;
    // Of a CA that is not asked any more, such as one for tests: it stays until there is another one, and that is ordered now.
    const isForeign = !this.#settings.authorities.some(({ directoryUrl }) => directoryUrl === stored.directoryUrl);
    return holdCertificate(stored, clock.now(), (validity) =>
      isForeign ? validity.notBefore : renewalInstant(validity, null, random),
    );
  }

  async #supply(state: SupplyState): Promise<void> {
    const { clock } = this.#ports;
    if (state.held?.isUnsaved === true) this.#save(state.held);
    if (state.held !== null && clock.now() >= state.held.informationDueAt) await this.#askRenewal(state.held);
    if (!this.#isClosed && state.isDue(clock.now(), clock.wallTime())) await this.#order(state);
  }

  /** A CA may want a certificate renewed early, because it will revoke it. */
  async #askRenewal(held: HeldCertificate): Promise<void> {
    const { clock, random } = this.#ports;
    const authority = this.#settings.authorities.find(({ directoryUrl }) => directoryUrl === held.directoryUrl);
    const client = authority === undefined ? null : this.#clients.of(authority);
    held.informationDueAt = after(clock.now(), informationMs);
    if (client === null || 'why' in client || held.renewalId === null) return;
    const answer = await client.renewalInformation(held.renewalId);
    // It is asked again later: what is known stays.
    if (!answer.ok || answer.value === null) return;
    const { window, retryAfterMs } = answer.value;
    const pauseMs = Math.min(Math.max(retryAfterMs ?? informationMs, minuteMs), informationMsMax);
    held.informationDueAt = after(clock.now(), pauseMs);
    if (held.window?.start === window.start && held.window.end === window.end) return;
    held.window = window;
    held.renewAt = renewalInstant(held, window, random);
  }

  /** A host without a valid certificate does not wait for a CA that cannot issue: the next one is asked at once. */
  async #order(state: SupplyState): Promise<void> {
    const { clock } = this.#ports;
    const { authorities, failuresMax } = this.#settings;
    const first = authorityAfter(state.failures, authorities.length, failuresMax);
    const inOrder = [...authorities.slice(first), ...authorities.slice(0, first)];
    const isWithout = state.held === null || clock.wallTime() >= state.held.notAfter;
    const asked = isWithout
      ? inOrder.filter((one) => !state.isPaused(one.directoryUrl, clock.now()))
      : inOrder.slice(0, 1);
    for (const [index, authority] of asked.entries()) {
      const next = !isWithout ? 'later' : index + 1 < asked.length ? 'at_once' : 'soonest';
      const goesOn = await this.#orderFrom(authority, state, next);
      if (!goesOn || this.#isClosed) return;
    }
  }

  /** Whether the next CA is to be asked now. */
  async #orderFrom(authority: AcmeSettings, state: SupplyState, next: NextAttempt): Promise<boolean> {
    const { directoryUrl } = authority;
    const issued = await this.#issue(authority, state);
    state.progress = null;
    if (issued === null) this.#failed(state, minuteMs, `the state folder ${this.#problem ?? ''}`, repairFolder);
    else if (issued.ok)
      await this.#use(state, { names: sortedNames(state.wanted.names), directoryUrl, ...issued.value });
    else return this.#failedAt(directoryUrl, state, issued.failure, next);
    return false;
  }

  #failedAt(directoryUrl: string, state: SupplyState, failure: AcmeFailure, next: NextAttempt): boolean {
    const { clock, random, events } = this.#ports;
    const ownPauseMs = pauseAfterFailure(failure, state.failuresAt(directoryUrl) + 1, random);
    state.pause(directoryUrl, after(clock.now(), ownPauseMs));
    const helps = next === 'later' || !mayBeAuthoritysOwn(failure.kind) ? 'later' : next;
    const urls = this.#settings.authorities.map((one) => one.directoryUrl);
    const soonestMs = helps === 'soonest' ? state.shortestPauseMs(urls, clock.now()) : 0;
    const againMs = helps === 'later' ? ownPauseMs : soonestMs;
    const isGivenUp = helps !== 'at_once' && state.wanted.isOnDemand === true && state.held === null;
    const pauseMs = isGivenUp ? onDemandPause(failure, againMs) : againMs;
    const fix = isGivenUp ? `${failure.fix}; then a client has to ask again` : failure.fix;
    this.#failed(state, pauseMs, failure.sentence, fix);
    reportFailure(events, state, directoryUrl, { ...failure, fix }, pauseMs, clock.wallTime());
    return helps === 'at_once';
  }

  async #use(state: SupplyState, issued: StoredCertificate): Promise<void> {
    const { clock, events } = this.#ports;
    const held = this.#hold(issued);
    if (held === null)
      return this.#failed(state, minuteMs, 'the certificate cannot be read', 'nothing; it is ordered again');
    const isRenewal = state.held !== null;
    state.held = held;
    state.succeeded();
    // Whatever the clock says: a certificate that is due as soon as it has been issued must not exhaust the CA's limits.
    state.nextAttemptAt = after(clock.now(), leastPauseAfterIssue(held));
    this.#save(held);
    await this.#publishAll();
    reportIssued(events, held, isRenewal);
  }

  #failed(state: SupplyState, pauseMs: number, reason: string, fix: string): void {
    const { clock } = this.#ports;
    const at = clock.wallTime();
    state.failed(clock.now(), pauseMs, { reason, fix, at, retryAt: at + pauseMs });
  }

  /** Null: the account can neither be read nor written, which has been reported. */
  async #issue(authority: AcmeSettings, state: SupplyState): Promise<Result<IssuedChain, AcmeFailure> | null> {
    const client = this.#clients.of(authority);
    if ('why' in client) {
      this.#note(client);
      return null;
    }
    const { held, wanted } = state;
    const onStep = this.#stepsOf(state, authority.directoryUrl);
    onStep('account');
    const registered = await client.account();
    if (!registered.ok) return failWith(registered.failure);
    this.#keepAccount(authority, registered.value);
    const replaces = held?.directoryUrl === authority.directoryUrl ? held.renewalId : null;
    const { check } = this.#ports;
    const issued = await client.issue({
      names: sortedNames(wanted.names),
      responder: turned(wanted.responder, state.failures),
      check,
      replaces,
      onStep,
    });
    // The CA may have forgotten the account, and given it another URL.
    const account = await client.account();
    if (account.ok) this.#keepAccount(authority, account.value);
    return issued;
  }

  #stepsOf(state: SupplyState, authority: string): OrderStepListener {
    const { clock } = this.#ports;
    return (step, name, challenge) => {
      state.progress = { step, authority, name: name ?? null, challenge: challenge ?? null, since: clock.wallTime() };
    };
  }

  #keepAccount(authority: AcmeSettings, url: string): void {
    const problem = this.#clients.keepAccount(authority, url);
    if (problem !== null) this.#note(problem);
  }

  #save(held: HeldCertificate): void {
    const { names, certificate: chain, key, directoryUrl } = held;
    const problem = this.#ports.store.writeCertificate({ names, chain, key, directoryUrl });
    held.isUnsaved = problem !== null;
    this.#note(problem);
  }

  /** Reports a problem with the folder once, until there is another one. */
  #note(problem: StoreProblem | null): void {
    if (problem !== null && problem.why !== this.#problem) {
      reportProblem(this.#ports.events, this.#ports.store.path, problem);
    }
    this.#problem = problem?.why ?? null;
  }

  #publishAll(): Promise<void> {
    return this.#publish([...this.#states.values()].flatMap(({ held }) => held ?? []));
  }
}

/** After a failure: the next CA now, the CA whose pause is over first, or this one after its pause. */
type NextAttempt = 'at_once' | 'soonest' | 'later';
