import type { CheckSpec, DrainSignalSpec } from '../core/upstream-spec.ts';
import type { Cancellable } from '../core/connector.ts';
import { addressText, type ReadinessFinding } from '../core/endpoint.ts';
import type { Cause } from '#failures/failure.ts';
import type {
  HealthChecker,
  HealthCheckRequest,
  HealthCheckResult,
  HealthCheckTarget,
} from '../core/health-checker.ts';
import type { Random } from '../core/random.ts';
import type { ServerCertificate } from '../core/transport.ts';
import type { CheckSchedule } from '../core/snapshot.ts';
import { after, type Clock, type Instant, type Timer } from '../core/time.ts';
import {
  type Attention,
  checkPauseMs,
  type Health,
  nextHealth,
  noteRefusedRequest,
  passesNeeded,
  troubledPauseMs,
  unknownHealth,
  type HealthThresholds,
  failsLeft,
} from '../policy/health.ts';
import type { HealthCheckReport } from '../core/health-check-report.ts';
import {
  adviceOf,
  causeOf,
  drainOf,
  findingOf,
  isOwnShortage,
  mayBeMistaken,
  outcomeOf,
  resultText,
} from './check-result.ts';
import { firstLines } from '../redact/first-lines.ts';
import { TextRedactor } from '../redact/text-redactor.ts';

export interface CheckContext {
  readonly clock: Clock;
  readonly random: Random;
  readonly checker: HealthChecker;
}

type ActiveCheckSpec = Exclude<CheckSpec, { kind: 'none' }>;

/** What is checked, and how. */
interface WatchTarget extends HealthCheckTarget {
  readonly check: ActiveCheckSpec;
  readonly drainSignal?: DrainSignalSpec;
}

interface WatchListener {
  /** The state of the endpoint, or the reason of a state that keeps requests away, has changed. */
  onChange(): void;
  /**
   * A check has ended; `refused`: nothing listened; `certificate`: what the endpoint has shown; `drain`: why it wants no new requests, null: it wants them,
   * undefined: not known. Called before `onChange`.
   */
  onChecked(refused: boolean, certificate: ServerCertificate | null, drain: string | null | undefined): void;
}

/** How many of the endpoints that are watched together are troubled now: their checks share a budget. */
export interface TroubledCount {
  troubled: number;
}

/** Checks one endpoint repeatedly: at the configured interval, and more often while the endpoint is troubled. */
export class WatchedEndpoint {
  /** May change while the endpoint is watched, as the second address of a name does. The next check uses it. */
  target: WatchTarget;
  readonly #context: CheckContext;
  readonly #listener: WatchListener;
  readonly #all: TroubledCount;
  #health: Health = unknownHealth;
  #found = '';
  #cause: Cause | null = null;
  #advice: string | null = null;
  #finding: ReadinessFinding | null = null;
  #lastCheck: HealthCheckReport | null = null;
  #startedAt: { readonly now: Instant; readonly wall: number } | null = null;
  #mayBeMistaken = false;
  #isChecking = false;
  #check: Cancellable | null = null;
  #timer: Timer | null = null;
  #nextAt: Instant | null = null;
  /** A connection was refused, and no check has passed since. */
  #refuses = false;
  /** Until then the end of its program is expected, or its return. */
  #endExpectedUntil = 0 as Instant;
  /** Its last check said that it wants no new requests. */
  #drains = false;
  #isTroubled = false;
  #stopped = false;

  constructor(
    target: WatchTarget,
    context: CheckContext,
    listener: WatchListener,
    all: TroubledCount = { troubled: 0 },
  ) {
    this.target = target;
    this.#context = context;
    this.#listener = listener;
    this.#all = all;
  }

  get state(): Health['state'] {
    return this.#health.state;
  }

  /** Why the endpoint is in its state: what the last check observed. */
  get reason(): string {
    return healthReason(this.#health, this.#found, this.target.check);
  }

  /** The failure of the last check, where a request would fail in the same way; null where the check passed or was answered. */
  get cause(): Cause | null {
    return this.#cause;
  }

  /** What its health document says of parts that do not work, as the last check has seen it; null: nothing. */
  get advice(): string | null {
    return this.#advice;
  }

  /** The endpoint speaks another protocol: what the last check found, and what to do; null: it found nothing of that. */
  get finding(): ReadinessFinding | null {
    return this.#finding;
  }

  /** The last check that has ended; null: none has. */
  get lastCheck(): HealthCheckReport | null {
    return this.#lastCheck;
  }

  /** Whether the endpoint is unhealthy by a check that may be wrong about requests. */
  get mayStay(): boolean {
    return this.#health.state === 'unhealthy' && this.#mayBeMistaken;
  }

  /** When checks can next change the state. */
  get schedule(): CheckSchedule {
    const { intervalMs, timeoutMs } = this.target.check;
    // A check in progress has its result within its own time limit.
    const nextInstant = this.#nextAt ?? after(this.#context.clock.now(), timeoutMs);
    const everyMs = this.#isTroubled ? troubledPauseMs(intervalMs, this.#all.troubled) : intervalMs;
    return { nextInstant, everyMs, passesNeeded: passesNeeded(this.#health, this.target.check) };
  }

  start(): void {
    const { clock } = this.#context;
    this.#nextAt = null;
    this.#isChecking = true;
    this.#startedAt = { now: clock.now(), wall: clock.wallTime() };
    const check = this.#context.checker.check(requestOf(this.target), (result) => this.#note(result));
    if (this.#isChecking) this.#check = check;
  }

  /** A request was refused a connection. A check follows at once, and the next ones quickly until one of them passes. */
  suspect(): void {
    if (this.#stopped || this.#refuses) return;
    this.#refuses = true;
    if (this.target.check.port === undefined) this.#health = noteRefusedRequest(this.#health);
    if (this.#isTroubled) return;
    this.#countTrouble();
    // A check in progress schedules the next one when its result comes.
    if (!this.#isChecking) this.#checkSoon();
  }

  /** It wants no new requests, and will probably end. Checks follow quickly, so that its end and its return are seen. */
  expectEnd(): void {
    if (this.#stopped) return;
    this.#endExpectedUntil = after(this.#context.clock.now(), endExpectedMs);
    if (this.#isTroubled) return;
    this.#countTrouble();
    if (!this.#isChecking) this.#checkSoon();
  }

  stop(): void {
    this.#stopped = true;
    this.#countTrouble();
    this.#timer?.cancel();
    this.#check?.cancel();
  }

  #note(result: HealthCheckResult): void {
    if (this.#stopped) return;
    this.#isChecking = false;
    this.#check = null;
    // What the gateway itself lacked says nothing of the endpoint. An endpoint that no check has reached yet stays unknown.
    if (isOwnShortage(result)) return this.#checkLater();
    const { check, address } = this.target;
    const drain = drainOf(result, this.target.drainSignal);
    // Who says that it is about to leave is well until then.
    const outcome = typeof drain === 'string' ? 'passed' : outcomeOf(result, check);
    const before = this.#health;
    this.#finding = check.port === undefined ? findingOf(result) : null;
    // That it speaks another protocol is proof, which needs no repetition.
    this.#health = nextHealth(before, outcome, this.#finding === null ? check : { ...check, fails: 1 });
    this.#refuses = outcome === 'refused';
    this.#noteDrain(drain);
    this.#countTrouble();
    const found = resultText(result, addressText(address), check);
    const isNewReason = this.#found !== found;
    this.#found = found;
    this.#advice = adviceOf(result);
    this.#report(result, outcome === 'passed', found);
    this.#cause = check.port === undefined ? causeOf(result) : null;
    // A check that passed proves neither; what the failed one before it showed still holds.
    if (outcome !== 'passed') this.#mayBeMistaken = mayBeMistaken(result);
    this.#checkLater();
    this.#reportChecked(outcome === 'refused', result, drain);
    // A check that observes the same again is not reported, nor is the reason of an endpoint that gets requests.
    const comesCloser = passesNeeded(before, check) !== passesNeeded(this.#health, check);
    if (before.state !== this.#health.state || ((isNewReason || comesCloser) && this.#health.state === 'unhealthy')) {
      this.#listener.onChange();
    }
  }

  #noteDrain(drain: string | null | undefined): void {
    const begins = typeof drain === 'string' && !this.#drains;
    this.#drains = typeof drain === 'string';
    if (begins) this.#endExpectedUntil = after(this.#context.clock.now(), endExpectedMs);
    else if (drain === null || this.#refuses) this.#endExpectedUntil = 0 as Instant;
  }

  /** A check of another port says nothing about connections of requests. */
  #reportChecked(refused: boolean, result: HealthCheckResult, drain: string | null | undefined): void {
    if (this.target.check.port !== undefined) return this.#listener.onChecked(false, null, drain);
    this.#listener.onChecked(refused, ('certificate' in result && result.certificate) || null, drain);
  }

  #report(result: HealthCheckResult, passed: boolean, reason: string): void {
    const began = this.#startedAt;
    if (began === null) return;
    const durationMs = Math.round((this.#context.clock.now() - began.now) * 100) / 100;
    const transcript = transcriptOf(result, this.target.check);
    const lines = passed || result.kind !== 'answered' ? [] : linesOf(result.firstBytes);
    this.#lastCheck = { at: began.wall, durationMs, passed, reason, ...transcript, ...(lines.length > 0 && { lines }) };
  }

  #countTrouble(): void {
    const isExpected = this.#context.clock.now() < this.#endExpectedUntil;
    const isTroubled = !this.#stopped && (this.#refuses || isExpected || this.#health.state === 'unhealthy');
    if (isTroubled === this.#isTroubled) return;
    this.#isTroubled = isTroubled;
    this.#all.troubled += isTroubled ? 1 : -1;
  }

  get #attention(): Attention {
    if (this.#isTroubled) return 'troubled';
    return this.#health.state === 'healthy' && this.#health.failsInRow > 0 ? 'failing' : 'usual';
  }

  #checkLater(): void {
    this.#checkAt(this.#context.clock.now(), this.#context.random.next());
  }

  /** As soon as the shortest pause since the last check allows. */
  #checkSoon(): void {
    this.#checkAt(this.#startedAt?.now ?? this.#context.clock.now(), 0);
  }

  #checkAt(since: Instant, chance: number): void {
    const { clock } = this.#context;
    const timing = { intervalMs: this.target.check.intervalMs, troubled: this.#all.troubled, chance };
    this.#nextAt = Math.max(clock.now(), after(since, checkPauseMs(this.#attention, timing))) as Instant;
    this.#timer?.cancel();
    this.#timer = clock.schedule(this.#nextAt, recheck, this);
  }
}

/** An endpoint that drains for longer is not about to end. */
const endExpectedMs = 30_000;

/** Of a body that must have a text. */
const keptBytesMax = 65_536;

function recheck(endpoint: WatchedEndpoint): void {
  endpoint.start();
}

/**
 * A configured check reads heads: the status says what the endpoint thinks of its health. Where its body must have a text, that is read
 * too, and where it is health+json it says why.
 */
function requestOf({ check, drainSignal, ...target }: WatchTarget): HealthCheckRequest {
  const { timeoutMs } = check;
  const userAgent = 'health-check';
  if (check.kind === 'tcp') return { ...target, timeoutMs, probe: { kind: 'tcp' } };
  if (check.kind === 'grpc') {
    const { service, host } = check;
    return { ...target, timeoutMs, probe: { kind: 'grpc', service, host, userAgent } };
  }
  const { path, host, headers = [], expectBody, expectHeaders = [] } = check;
  const reads = expectBody === undefined ? 'advice' : 'body';
  const readsHeaders = [
    ...expectHeaders.map(([name]) => name),
    ...(drainSignal === undefined ? [] : [drainSignal.header]),
  ];
  const probe = { kind: 'http', path, host, userAgent, headers, reads, readsHeaders, keptBytesMax } as const;
  return { ...target, timeoutMs, probe };
}

/** Enough to recognise an error page. */
const bodyBytesMax = 200;

const redactor = new TextRedactor();

/** What a check has sent and got, without secrets. */
export function transcriptOf(
  result: HealthCheckResult,
  check: Exclude<CheckSpec, { kind: 'none' }>,
): Pick<HealthCheckReport, 'request' | 'status' | 'body'> {
  const status = result.kind === 'answered' || result.kind === 'timed_out' ? result.status : null;
  return { request: requestLine(check), status, body: check.kind === 'grpc' ? null : bodyOf(result) };
}

function requestLine(check: Exclude<CheckSpec, { kind: 'none' }>): string | null {
  if (check.kind === 'tcp') return null;
  if (check.kind === 'grpc') return `POST /grpc.health.v1.Health/Check (service "${check.service}")`;
  return `GET ${redactor.redact(check.path)}`;
}

/** Enough to find a secret whole, and the text behind the style of an error page. */
const readBytesMax = 2048;

function linesOf(bytes: Uint8Array): readonly string[] {
  const isCut = bytes.length > readBytesMax;
  return firstLines(new TextDecoder().decode(bytes.subarray(0, readBytesMax)), redactor, isCut);
}

function bodyOf(result: HealthCheckResult): string | null {
  if (result.kind !== 'answered' && result.kind !== 'failed') return null;
  const { firstBytes } = result;
  if (firstBytes.length === 0) return null;
  return redactor.redact(new TextDecoder().decode(firstBytes.subarray(0, bodyBytesMax)));
}

/**
 * Why an endpoint is in its state, from what its last check observed. Where that check contradicts the state, the
 * sentence says how many more are needed: "not ready: accepts connections" would contradict itself.
 */
export function healthReason(health: Health, found: string, thresholds: HealthThresholds): string {
  switch (health.state) {
    case 'unknown':
      return 'its first check is not back yet';
    case 'healthy':
      if (health.failsInRow === 0 && health.refusals > 0)
        return 'a request was refused a connection; a check follows at once';
      return health.failsInRow === 0
        ? found
        : `its last check failed (${found}), ${health.failsInRow} of ${health.failsInRow + failsLeft(health, thresholds)} in a row that take it out`;
    case 'unhealthy': {
      if (health.passesInRow === 0) return found;
      const needed = health.passesInRow + passesNeeded(health, thresholds);
      return `its last check passed (${found}), ${health.passesInRow} of ${needed} in a row that bring it back`;
    }
  }
}
