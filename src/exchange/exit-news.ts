import type { InstanceExit } from '../core/endpoint.ts';
import { exitBeforeMs } from '../core/explain.ts';
import type { EndKind } from '../core/exchange.ts';
import type { Failure } from '../core/failure.ts';
import { after, type Clock, type Instant, type Timer } from '../core/time.ts';
import type { Attempt } from './attempt.ts';

/**
 * How often a failure asks for the news of an exit before it goes without. On an idle machine main hears of an exit and tells us
 * within 1 to 25 ms; with five threads to a core one in three took more than 50 ms, and one in six more than 150 ms.
 */
export const exitNewsLooksMax = 6;
const exitNewsLookMs = 25;

/** An instance's exit explains a failure that comes this soon after it. */
const exitExplainsMs = 2000;

/** A connection breaks before the system has told anybody that its process ended; news this late is still of that end. */
const exitNoticedMs = 250;

export interface ExitNewsWaiter {
  onExitNewsDue(): void;
}

/** Calls back when the news of an exit may be here, if there was one. */
export function awaitExitNews(clock: Clock, waiter: ExitNewsWaiter): Timer {
  return clock.schedule(after(clock.now(), exitNewsLookMs), due, waiter);
}

function due(waiter: ExitNewsWaiter): void {
  waiter.onExitNewsDue();
}

/** The exit of the attempt's instance, where it came shortly before the attempt failed or was noticed with it. */
export function exitOf(attempt: Attempt, startedAt: Instant): InstanceExit | null {
  const { exit } = attempt.target;
  if (exit === null || attempt.failure === null) return null;
  const beforeMs = exitBeforeMs(attempt, exit, startedAt);
  return beforeMs < exitExplainsMs && beforeMs > -exitNoticedMs ? exit : null;
}

/** Whether a process that ends looks like this from outside. */
export function mayComeOfExit(cause: Failure['cause']): boolean {
  return exitCauses.has(cause);
}

/**
 * Notes exits that have become known meanwhile. What our own answer has said of its last attempt stays as it was: its
 * record says the same, and who asks later is told what came after it (`gateway/late-exits.ts`).
 */
export function noteExits(attempts: readonly Attempt[], end: EndKind, startedAt: Instant): void {
  for (const attempt of attempts) {
    if (end === 'generated' && attempt === attempts.at(-1)) continue;
    attempt.exit ??= exitOf(attempt, startedAt);
  }
}

const exitCauses: ReadonlySet<Failure['cause']> = new Set<Failure['cause']>([
  'closed_before_response',
  'reset_before_response',
  'send_failed',
  'connect_refused',
  'connect_reset',
  'response_head_cut',
  'response_content_short',
  'response_chunked_cut',
  'response_content_reset',
  'tunnel_unclosed',
]);
