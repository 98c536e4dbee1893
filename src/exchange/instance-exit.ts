import { fail, type Failure } from '#failures/failure.ts';
import { mayBeCausedByExit } from '#failures/process-note.ts';
import type { InstanceExit } from '#failures/instance-exit.ts';
import { exitBeforeMs } from '../core/recorded-exit.ts';
import type { EndKind } from '../core/exchange.ts';
import { after, type Clock, type Instant, type Timer } from '../core/time.ts';
import { type Attempt, switchingProtocols } from './attempt.ts';

/**
 * How often a failed exchange looks for an exit before it goes on without one. On an idle machine the main thread learns of an
 * exit and reports it to the workers within 1 to 25 ms; with five threads to a core one report in three took more than 50 ms, and
 * one in six more than 150 ms.
 */
const exitChecksMax = 6;
const exitCheckMs = 25;

/** An instance's exit explains a failure that comes this soon after it. */
const exitExplainsMs = 2000;

/** A connection breaks before the system reports the end of its process; a report that comes this much later is still of that end. */
const exitNoticedMs = 250;

export interface ExitWatchOwner {
  /** The exit of the instance is known, or will not be waited for any longer. */
  onExitWatched(): void;
}

/** Waits for the report of an exit that may explain the failure of `attempt`. It exists only for exchanges that fail. */
export class ExitWatch {
  readonly #attempt: Attempt;
  readonly #startedAt: Instant;
  readonly #clock: Clock;
  readonly #owner: ExitWatchOwner;
  #checks = 0;
  #timer: Timer;

  constructor(attempt: Attempt, startedAt: Instant, clock: Clock, owner: ExitWatchOwner) {
    this.#attempt = attempt;
    this.#startedAt = startedAt;
    this.#clock = clock;
    this.#owner = owner;
    this.#timer = this.#schedule();
  }

  #schedule(): Timer {
    return this.#clock.schedule(after(this.#clock.now(), exitCheckMs), timerFired, this);
  }

  /** For the timer alone. */
  onCheck(): void {
    this.#attempt.exit = exitOf(this.#attempt, this.#startedAt);
    this.#checks++;
    if (this.#attempt.exit === null && this.#checks < exitChecksMax) this.#timer = this.#schedule();
    else this.#owner.onExitWatched();
  }

  cancel(): void {
    this.#timer.cancel();
  }
}

function timerFired(watch: ExitWatch): void {
  watch.onCheck();
}

/** The exit of the attempt's instance, where it came shortly before the attempt failed or was noticed with it. */
export function exitOf(attempt: Attempt, startedAt: Instant): InstanceExit | null {
  const { exit } = attempt.chosenEndpoint;
  if (exit === null || attempt.failure === null) return null;
  const beforeMs = exitBeforeMs(attempt, exit, startedAt);
  return beforeMs < exitExplainsMs && beforeMs > -exitNoticedMs ? exit : null;
}

/** Where the gateway has stopped the instance while that worked on the request, the failure is the gateway's doing. Otherwise `failure`. */
export function failureOfStopped(
  failure: Failure,
  { exit, status, delivery }: Pick<Attempt, 'exit' | 'status' | 'delivery'>,
): Failure {
  // A request that never reached the instance was not cut, and a late or wrong response has another reason.
  if (exit?.stopped === undefined || delivery === 'not_sent' || !mayBeCausedByExit(failure.cause)) return failure;
  const what = status === switchingProtocols ? 'tunnel' : 'request';
  return instanceStopped('response', what);
}

/** The gateway has stopped the instance, or is about to. */
export function instanceStopped(stage: 'response' | 'body', what: 'request' | 'tunnel'): Failure {
  return fail('drained', stage, { reason: 'instance_stopped', what, retryAfterS: 1 });
}

/**
 * Notes exits that have become known meanwhile, except for the last attempt of an exchange that the gateway answered itself: the
 * record says what the answer said. `candor explain` adds exits that were reported later (`control/late-exits.ts`).
 */
export function noteExits(attempts: readonly Attempt[], end: EndKind, startedAt: Instant): void {
  for (const attempt of attempts) {
    if (end === 'generated' && attempt === attempts.at(-1)) continue;
    attempt.exit ??= exitOf(attempt, startedAt);
  }
}
