import { classOf, type Finding } from './finding.ts';
import { type ReportedFailure, TwoGenerations } from './joined-failures.ts';
import { RequestHash } from './request-hash.ts';

/** How long after a failed attempt its request may be answered. The access log has the time of the answer. */
const windowMs = 10_000;
const windowSeconds = windowMs / 1000;

/** Failed attempts that are remembered: at least this many, and at most twice as many. */
const attemptsMin = 10_000;

/** Equal requests of one client that are remembered. */
const sameMax = 256;

/** With more of them, those that are over are forgotten. */
const searchedMax = 16;
const overMs = 60_000;

/** Answers that are remembered. A power of two: some 10 to 100 seconds of a busy log. */
const answersMax = 1 << 17;

/** A gateway may try again in them, since nothing has reached the client. */
const stages: ReadonlySet<Finding['stage']> = new Set(['route', 'queue', 'dns', 'connect', 'tls', 'send', 'response']);

interface Attempts {
  /** Of equal requests whose second number is the same. */
  readonly b: number;
  failures: ReportedFailure[];
}

/**
 * Finds failures that no client noticed: the error log has a failed attempt, and the access log a response without an error to
 * the same request of the same client, in the ten seconds after it. The gateway tried another server, or answered from its cache.
 * The lines may come in any order.
 */
export class AnsweredRequests {
  /** Whether answers have to be added at all. */
  isWanted: boolean;
  readonly #hash = new RequestHash();
  /** Until there is an answer, the hashes of failures are not needed. */
  #unindexed: ReportedFailure[] | null = [];
  readonly #attempts = new TwoGenerations<number, Attempts>(attemptsMin);
  /** Answers by second and hash, only of several logs: in a single one, an answer comes after its failures. */
  readonly #answers: RememberedAnswers | null;

  constructor(hasSeveralLogs: boolean) {
    this.#answers = hasSeveralLogs ? new RememberedAnswers() : null;
    this.isWanted = hasSeveralLogs;
  }

  /** Adds a new failure. Returns whether its request was answered all the same, as far as the lines so far can tell. */
  fail(reported: ReportedFailure): boolean {
    if (!isRetryable(reported)) return false;
    this.isWanted = true;
    if (this.#unindexed !== null) {
      this.#unindexed.push(reported);
      if (this.#unindexed.length >= attemptsMin * 2) this.#unindexed = this.#unindexed.slice(attemptsMin);
      return false;
    }
    const { a, b } = this.#hashOf(reported);
    if (this.#answers?.take(a, b, secondOf(reported)) === true) return true;
    this.#remember(reported, a, b);
    return false;
  }

  /** Adds a response without an error. Returns the failure that it makes good, which the caller marks as answered. */
  answer({ a, b }: RequestHash, atMs: number): ReportedFailure | null {
    if (this.#unindexed !== null) this.#index(this.#unindexed);
    const same = this.#attempts.get(a);
    if (same !== undefined && same.b === b) {
      const at = same.failures.findIndex((one) => isAnswer(one, atMs));
      if (at >= 0) return same.failures.splice(at, 1)[0] ?? null;
      if (same.failures.length > searchedMax) same.failures = same.failures.filter((one) => !isOver(one, atMs));
    }
    this.#answers?.add(a, b, Math.floor(atMs / 1000));
    return null;
  }

  #index(failures: readonly ReportedFailure[]): void {
    const hash = new RequestHash();
    this.#unindexed = null;
    for (const reported of failures) {
      hash.ofText(reported.first.gateway, reported.parties.client ?? '', reported.first.request ?? '');
      this.#remember(reported, hash.a, hash.b);
    }
  }

  #hashOf({ first, parties }: ReportedFailure): RequestHash {
    return this.#hash.ofText(first.gateway, parties.client ?? '', first.request ?? '');
  }

  #remember(reported: ReportedFailure, a: number, b: number): void {
    const same = this.#attempts.get(a);
    if (same === undefined || same.b !== b) {
      this.#attempts.set(a, { b, failures: [reported] });
      return;
    }
    if (same.failures.length >= sameMax) same.failures = same.failures.slice(sameMax / 2);
    same.failures.push(reported);
    this.#attempts.keep(a, same);
  }
}

/** Whether the failure is one of an attempt, after which the gateway may have tried again. */
function isRetryable({ first, parties }: ReportedFailure): boolean {
  const { kind, stage, request, atMs, gateway } = first;
  if (kind !== 'error' || classOf(first) !== 'failure' || !stages.has(stage)) return false;
  // Lines of Apache's error log do not name the request.
  return request !== null && atMs !== null && parties.client !== null && gateway !== 'apache';
}

/** A failure that an access line has reported is one that the client saw. */
function isAnswer({ finding, first, formats }: ReportedFailure, atMs: number): boolean {
  if (finding.kind === 'access' || formats.length > 1) return false;
  const failedMs = Math.floor((first.atMs ?? 0) / 1000) * 1000;
  return atMs >= failedMs && atMs < failedMs + windowMs + 1000;
}

const isOver = ({ first }: ReportedFailure, atMs: number): boolean => (first.atMs ?? 0) < atMs - overMs;

const secondOf = ({ first }: ReportedFailure): number => Math.floor((first.atMs ?? 0) / 1000);

/** Counts answers by their hash and second, in memory of a fixed size: a later answer may take the place of an earlier one. */
class RememberedAnswers {
  readonly #hashes = new Int32Array(answersMax);
  readonly #seconds = new Float64Array(answersMax);
  readonly #counts = new Uint8Array(answersMax);

  add(a: number, b: number, second: number): void {
    const at = positionOf(a, second);
    const isSame = this.#hashes[at] === b && this.#seconds[at] === second;
    this.#counts[at] = isSame ? Math.min(255, (this.#counts[at] as number) + 1) : 1;
    this.#hashes[at] = b;
    this.#seconds[at] = second;
  }

  /** Whether there is one from that second on. It is then used up. */
  take(a: number, b: number, from: number): boolean {
    for (let second = from; second <= from + windowSeconds; second++) {
      const at = positionOf(a, second);
      if (this.#hashes[at] !== b || this.#seconds[at] !== second || this.#counts[at] === 0) continue;
      this.#counts[at] = (this.#counts[at] as number) - 1;
      return true;
    }
    return false;
  }
}

const positionOf = (a: number, second: number): number => Math.imul(a ^ second, 0x9e3779b1) >>> 15;
