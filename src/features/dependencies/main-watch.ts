import type { Cancellable } from '../../core/connector.ts';
import type { Random } from '../../core/random.ts';
import { after, type Clock, type Instant, type Timer } from '../../core/time.ts';
import { type DependencyFault, type DependencyFinding, stateOf } from './finding.ts';
import type { CheckResult } from './main-check.ts';
import type { DependencyState } from './settings.ts';

/** A change of the state, or of how it fails. */
export interface DependencyChange {
  readonly from: DependencyState;
  readonly to: DependencyState;
  readonly finding: DependencyFinding;
  /** How long ago the first check began that found it so, and the last one that found it otherwise; null: none has. */
  readonly sinceMs: number;
  readonly otherMs: number | null;
}

interface WatchParts {
  readonly intervalMs: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly check: (onResult: (result: CheckResult) => void) => Cancellable;
  readonly onChange: (change: DependencyChange) => void;
}

/** What may be over at the next moment, so that a second check has to find the same. */
const unsure: ReadonlySet<DependencyFault> = new Set(['no_answer', 'no_connection', 'closed']);

/** So often it is checked while its state is new. */
const quickMs = 1000;
const newForMs = 60_000;
/** Requests that fail ask for a check, not sooner after the last one than this. */
const askedAgainMs = 500;
/** Between reports of how one fails that is not up. */
const otherFaultAfterMs = 5000;
/** Many dependencies, and many gateways, do not check at the same moment. */
const jitter = 0.1;

/** Checks one dependency: one check at a time, more often while its state is new, and at once when requests fail. */
export class DependencyWatch {
  readonly #parts: WatchParts;
  #timer: Timer | null = null;
  #running: Cancellable | null = null;
  #state: DependencyState = 'unknown';
  #finding: DependencyFinding | null = null;
  #since: Instant;
  /** Of the last check that found something else. */
  #otherAt: Instant | null = null;
  #foundAt: Instant | null = null;
  /** What was reported last, and when the first check began that found what is found now. */
  #reported: { readonly fault: DependencyFault | null; readonly at: Instant } | null = null;
  #faultSince: Instant;
  /** Of the running check, or the last one. */
  #beganAt: Instant;
  /** Of the first check that has found something for which another one has to vouch. */
  #doubtfulSince: Instant | null = null;
  #checkMs: number | null = null;
  #isStopped = false;

  constructor(parts: WatchParts) {
    this.#parts = parts;
    this.#since = parts.clock.now();
    this.#beganAt = this.#since;
    this.#faultSince = this.#since;
  }

  get state(): DependencyState {
    return this.#state;
  }

  get finding(): DependencyFinding | null {
    return this.#finding;
  }

  get sinceMs(): number {
    return this.#parts.clock.now() - this.#since;
  }

  get checkMs(): number | null {
    return this.#checkMs;
  }

  start(): void {
    this.#next(this.#parts.random.next() * Math.min(quickMs, this.#parts.intervalMs) * jitter);
  }

  /** Requests of an application that depends on it fail. */
  checkSoon(): void {
    if (this.#running !== null || this.#isStopped) return;
    const { clock } = this.#parts;
    if (clock.now() - this.#beganAt >= askedAgainMs || this.#checkMs === null) this.#check();
    else this.#next(askedAgainMs - (clock.now() - this.#beganAt));
  }

  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
    this.#running?.cancel();
    this.#running = null;
  }

  #next(afterMs: number): void {
    const { clock } = this.#parts;
    this.#timer?.cancel();
    this.#timer = clock.schedule(after(clock.now(), afterMs), (watch: DependencyWatch) => watch.#check(), this);
  }

  #check(): void {
    const { clock, check } = this.#parts;
    this.#timer?.cancel();
    this.#beganAt = clock.now();
    let isOver = false;
    const running = check((result) => {
      isOver = true;
      if (this.#isStopped) return;
      this.#running = null;
      this.#checkMs = clock.now() - this.#beganAt;
      this.#onResult(result);
    });
    if (!isOver) this.#running = running;
  }

  #onResult(result: CheckResult): void {
    const { intervalMs, random } = this.#parts;
    const isDoubtful = result !== null && result.fault !== null && unsure.has(result.fault) && this.#state !== 'down';
    if (isDoubtful && this.#doubtfulSince === null) {
      this.#doubtfulSince = this.#beganAt;
      return this.#next(Math.min(quickMs, intervalMs) * jitter);
    }
    if (result !== null) this.#take(result);
    const isNew = this.#state !== 'up' && this.sinceMs < newForMs;
    const everyMs = isNew ? Math.min(quickMs, intervalMs) : intervalMs;
    this.#next(everyMs * (1 - jitter + 2 * jitter * random.next()));
  }

  #take(finding: DependencyFinding): void {
    const { clock, onChange } = this.#parts;
    const [from, to, now] = [this.#state, stateOf(finding), clock.now()];
    const began = this.#doubtfulSince ?? this.#beganAt;
    this.#doubtfulSince = null;
    if (this.#finding === null || finding.fault !== this.#finding.fault) {
      this.#otherAt = this.#foundAt;
      this.#faultSince = began;
    }
    this.#foundAt = this.#beganAt;
    this.#finding = finding;
    if (from !== to) this.#since = began;
    this.#state = to;
    if (from === to && !this.#isReportedAgain(finding, now)) return;
    this.#reported = { fault: finding.fault, at: now };
    const otherMs = this.#otherAt === null ? null : now - this.#otherAt;
    onChange({ from, to, finding, sinceMs: now - this.#faultSince, otherMs });
  }

  /** It fails otherwise than was reported, and does not do so all the time. */
  #isReportedAgain({ fault }: DependencyFinding, now: Instant): boolean {
    return this.#reported !== null && fault !== this.#reported.fault && now - this.#reported.at >= otherFaultAfterMs;
  }
}
