import type { InstanceExit } from '../core/endpoint.ts';
import { exitBeforeMs } from '../core/explain.ts';
import type { EndKind } from '../core/exchange.ts';
import { after, type Clock, type Instant, type Timer } from '../core/time.ts';
import type { Attempt } from './attempt.ts';

/**
 * How often a failure asks for the news of an exit before it goes without. On an idle machine main hears of an exit and tells us
 * within 1 to 25 ms; with five threads to a core one in three took more than 50 ms, and one in six more than 150 ms.
 */
export const exitChecksMax = 6;
const exitCheckMs = 25;

/** An instance's exit explains a failure that comes this soon after it. */
const exitExplainsMs = 2000;

/** A connection breaks before the system has told anybody that its process ended; news this late is still of that end. */
const exitNoticedMs = 250;

export interface ExitWaiter {
  onExitCheck(): void;
}

/** Calls back when the news of an exit may be here, if there was one. */
export function awaitExit(clock: Clock, waiter: ExitWaiter): Timer {
  return clock.schedule(after(clock.now(), exitCheckMs), timerFired, waiter);
}

function timerFired(waiter: ExitWaiter): void {
  waiter.onExitCheck();
}

/** The exit of the attempt's instance, where it came shortly before the attempt failed or was noticed with it. */
export function exitOf(attempt: Attempt, startedAt: Instant): InstanceExit | null {
  const { exit } = attempt.target;
  if (exit === null || attempt.failure === null) return null;
  const beforeMs = exitBeforeMs(attempt, exit, startedAt);
  return beforeMs < exitExplainsMs && beforeMs > -exitNoticedMs ? exit : null;
}

/**
 * Notes exits that have become known meanwhile. What our own answer has said of its last attempt stays as it was: its
 * record says the same, and who asks later is told what came after it (`control/late-exits.ts`).
 */
export function noteExits(attempts: readonly Attempt[], end: EndKind, startedAt: Instant): void {
  for (const attempt of attempts) {
    if (end === 'generated' && attempt === attempts.at(-1)) continue;
    attempt.exit ??= exitOf(attempt, startedAt);
  }
}
