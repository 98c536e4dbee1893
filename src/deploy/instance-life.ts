import { unreachable } from '../core/assert.ts';
import type { ApplicationSpec } from '../core/configuration.ts';
import { type Exits, restartDelayMsMax } from '../core/restart-delay.ts';
import { after, type Instant, never } from '../core/time.ts';
import type { InstanceRecord } from './instance-record.ts';

/**
 * One instance's life, as a value and a function.
 *
 *     starting ── passes in a row ──▶ ready ── fails in a row ──▶ failing
 *      │  │  ▲                        │  ▲                         │  │
 *      │  │  │                        │  └──── passes in a row ────┘  │
 *      │  │  due                      ├────────── its process ends ───┤
 *      │  │  │                        ▼                               │
 *      │  │  backing_off ◀─group gone── exited ◀──────────────────────┘
 *      │  │      ▲                    ▲
 *      │  └ not started               │
 *      └──────────── its process ends ┘
 *
 *     ready, failing ── retire ──▶ draining ── drained, or due ──▶ stopping ── group gone ──▶ stopped
 *     every other ────── stop ───────────────────────────────────▶ stopping
 *
 * `exited`: the program has ended, but something that it started may be left and is being ended too. Only when
 * nothing is left does the next run begin. No phase but `starting`, `ready` and `failing` ever checks readiness,
 * and only passes lead to `ready`: no timeout does.
 */
export type InstanceLife =
  | {
      readonly phase: 'starting';
      readonly since: Instant;
      /** Exits of the program in a row, none of which ran for `resetAfterMs`. */
      readonly failures: number;
      /** How many of `failures` came since the last run that served (`servedMs`). */
      readonly failedStarts: number;
      /** The number of checks, and how many of the last ones in a row passed. */
      readonly attempts: number;
      readonly passes: number;
      /** `startMs` have passed. Reported once; checks go on. */
      readonly late: boolean;
    }
  | {
      readonly phase: 'ready';
      readonly since: Instant;
      readonly startedAt: Instant;
      readonly failures: number;
      readonly failedStarts: number;
      readonly fails: number;
    }
  | {
      readonly phase: 'failing';
      readonly since: Instant;
      readonly startedAt: Instant;
      readonly failures: number;
      readonly failedStarts: number;
      readonly passes: number;
    }
  | ({ readonly phase: 'exited'; readonly since: Instant; readonly killedAt: Instant | null } & Exits)
  | ({ readonly phase: 'backing_off'; readonly since: Instant; readonly until: Instant } & Exits)
  | { readonly phase: 'draining'; readonly since: Instant; readonly until: Instant }
  | { readonly phase: 'stopping'; readonly since: Instant; readonly killedAt: Instant | null }
  | { readonly phase: 'stopped'; readonly since: Instant };

export type Phase = InstanceLife['phase'];

export type LifeEvent =
  /** `refusals`: connections that were refused in a row, with this check. */
  | { readonly kind: 'checked'; readonly passed: boolean; readonly refusals?: number }
  /** The program's process has ended. */
  | { readonly kind: 'exited' }
  /** No process of the group is left. `chance` is uniform in [0, 1). */
  | { readonly kind: 'group_gone'; readonly chance: number }
  | { readonly kind: 'not_started'; readonly chance: number }
  /** The instant that `dueAt` returned has come. */
  | { readonly kind: 'due'; readonly chance: number }
  | { readonly kind: 'retire'; readonly drainMs: number }
  | { readonly kind: 'drained' }
  | { readonly kind: 'stop' }
  /** Stop without waiting. */
  | { readonly kind: 'kill' };

/** The settings of an application that its life depends on. */
export type LifeSpec = Pick<ApplicationSpec, 'readiness' | 'stopMs' | 'restart'>;

/** Failed checks in a row that take a ready instance out; one alone may be a garbage collection or a lost packet. */
export const failsMax = 3;

/** The same of refused connections, of checks and of requests: two are no garbage collection, and no lost packet. */
const refusalsMax = 2;

/** How long child processes of a crashed program may take to end by themselves. They get no requests. */
const leftoverMs = 1_000;

/** How long we wait after SIGKILL. Only a process stuck inside the kernel takes that long. */
const killWaitMs = 5_000;

/** A run that was ready for so long served requests; what ends sooner fails as one that ends at its start. */
export const servedMs = 1_000;

export function starting(now: Instant, { failures, failedStarts }: Exits = noExits): InstanceLife {
  return { phase: 'starting', since: now, failures, failedStarts, attempts: 0, passes: 0, late: false };
}

const noExits: Exits = { failures: 0, failedStarts: 0 };

/**
 * The life of an instance that an earlier process looked after `agoMs` ago. An instance that was ready stays ready if
 * it was checked recently; otherwise it must pass its checks again, like one that starts. A line that has shown it is not printed again.
 */
export function adopted(record: InstanceRecord, agoMs: number, now: Instant): InstanceLife {
  const { failures, failedStarts, phase } = record;
  const since = after(now, -(record.sinceMs + agoMs));
  const startedAt = after(now, -(record.ranMs + agoMs));
  switch (phase) {
    case 'starting':
      return { phase, since, failures, failedStarts, attempts: 0, passes: 0, late: false };
    case 'ready':
      return agoMs > readyTrustedMs && record.readiness.program?.kind !== 'line'
        ? starting(now, record)
        : { phase, since, startedAt, failures, failedStarts, fails: 0 };
    case 'failing':
      return { phase, since, startedAt, failures, failedStarts, passes: 0 };
    case 'draining':
      return { phase, since, until: after(now, Math.max(0, (record.dueInMs ?? 0) - agoMs)) };
    case 'stopping':
      return { phase, since, killedAt: null };
    default:
      return unreachable(phase);
  }
}

/**
 * For how long "it was ready" counts as "it is ready". An instance that stops answering gets requests for at least
 * four seconds in any case, until `failsMax` checks have failed.
 */
const readyTrustedMs = 5_000;

/** The life after `event`; the same value where the event changes nothing. */
export function next(life: InstanceLife, event: LifeEvent, now: Instant, spec: LifeSpec): InstanceLife {
  if (event.kind === 'stop' || event.kind === 'kill') return stopped(life, event.kind, now);
  switch (life.phase) {
    case 'starting':
      return fromStarting(life, event, now, spec);
    case 'ready':
    case 'failing':
      return fromServing(life, event, now, spec);
    case 'exited':
      if (event.kind === 'group_gone') return backingOff(life, event.chance, now, spec);
      if (event.kind === 'due') {
        return life.killedAt === null ? { ...life, killedAt: now } : backingOff(life, event.chance, now, spec);
      }
      return event.kind === 'retire' ? stopping(now) : life;
    case 'backing_off':
      if (event.kind === 'due') return starting(now, life);
      return event.kind === 'retire' ? stopping(now) : life;
    case 'draining':
      return event.kind === 'due' || event.kind === 'drained' || event.kind === 'exited' ? stopping(now) : life;
    case 'stopping':
      if (event.kind === 'group_gone' || event.kind === 'not_started') return { phase: 'stopped', since: now };
      if (event.kind !== 'due') return life;
      return life.killedAt === null ? { ...life, killedAt: now } : { phase: 'stopped', since: now };
    case 'stopped':
      return life;
    default:
      return unreachable(life);
  }
}

/** When the phase changes by itself: the instant at which the event `due` is expected. */
export function dueAt(life: InstanceLife, spec: LifeSpec): Instant {
  switch (life.phase) {
    case 'starting':
      return life.late ? never : after(life.since, spec.readiness.startMs);
    case 'exited':
      return life.killedAt === null
        ? after(life.since, Math.min(leftoverMs, spec.stopMs))
        : after(life.killedAt, killWaitMs);
    case 'backing_off':
    case 'draining':
      return life.until;
    case 'stopping':
      return life.killedAt === null ? after(life.since, spec.stopMs) : after(life.killedAt, killWaitMs);
    case 'ready':
    case 'failing':
    case 'stopped':
      return never;
    default:
      return unreachable(life);
  }
}

/**
 * Exponential, with full jitter (Amazon's "Exponential Backoff And Jitter"): many instances that fail for one
 * reason, such as a database, do not come back all at once.
 */
export function restartDelayMs(exits: Exits, chance: number, restart: ApplicationSpec['restart']): number {
  return Math.round(chance * restartDelayMsMax(exits, restart));
}

type StartingLife = Extract<InstanceLife, { phase: 'starting' }>;
type ServingLife = Extract<InstanceLife, { phase: 'ready' | 'failing' }>;

function fromStarting(life: StartingLife, event: LifeEvent, now: Instant, spec: LifeSpec): InstanceLife {
  switch (event.kind) {
    case 'checked': {
      const passes = event.passed ? life.passes + 1 : 0;
      return passes >= spec.readiness.passes
        ? { ...exitsOf(life), phase: 'ready', since: now, startedAt: life.since, fails: 0 }
        : { ...life, attempts: life.attempts + 1, passes };
    }
    case 'due':
      return life.late ? life : { ...life, late: true };
    case 'exited':
      return exited(life, life.since, false, now, spec);
    case 'not_started':
      return backingOff({ failures: life.failures + 1, failedStarts: life.failedStarts + 1 }, event.chance, now, spec);
    case 'retire': // nothing has been routed to it, so there is nothing to drain
      return stopping(now);
    default:
      return life;
  }
}

function fromServing(life: ServingLife, event: LifeEvent, now: Instant, spec: LifeSpec): InstanceLife {
  switch (event.kind) {
    case 'checked':
      return life.phase === 'ready' ? checkedReady(life, event, now) : checkedFailing(life, event.passed, now, spec);
    case 'exited':
      return exited(life, life.startedAt, hasServed(life, now), now, spec);
    case 'retire':
      return { phase: 'draining', since: now, until: after(now, event.drainMs) };
    default:
      return life;
  }
}

function checkedReady(
  life: Extract<InstanceLife, { phase: 'ready' }>,
  { passed, refusals = 0 }: Extract<LifeEvent, { kind: 'checked' }>,
  now: Instant,
): InstanceLife {
  if (passed) return life.fails === 0 ? life : { ...life, fails: 0 };
  if (life.fails + 1 < failsMax && refusals < refusalsMax) return { ...life, fails: life.fails + 1 };
  return { ...exitsOf(life), phase: 'failing', since: now, startedAt: life.startedAt, passes: 0 };
}

function checkedFailing(
  life: Extract<InstanceLife, { phase: 'failing' }>,
  passed: boolean,
  now: Instant,
  spec: LifeSpec,
): InstanceLife {
  if (!passed) return life.passes === 0 ? life : { ...life, passes: 0 };
  if (life.passes + 1 < spec.readiness.passes) return { ...life, passes: life.passes + 1 };
  return { ...exitsOf(life), phase: 'ready', since: now, startedAt: life.startedAt, fails: 0 };
}

/** A failing instance was ready before, and then for as long as some checks take. */
function hasServed(life: ServingLife, now: Instant): boolean {
  return life.phase === 'failing' || now - life.since >= servedMs;
}

function exited(life: Exits, startedAt: Instant, served: boolean, now: Instant, spec: LifeSpec): InstanceLife {
  const before = now - startedAt >= spec.restart.resetAfterMs ? noExits : life;
  const failedStarts = served ? 0 : before.failedStarts + 1;
  return { phase: 'exited', since: now, failures: before.failures + 1, failedStarts, killedAt: null };
}

function backingOff({ failures, failedStarts }: Exits, chance: number, now: Instant, spec: LifeSpec): InstanceLife {
  const until = after(now, restartDelayMs({ failures, failedStarts }, chance, spec.restart));
  return { phase: 'backing_off', since: now, failures, failedStarts, until };
}

function exitsOf({ failures, failedStarts }: Exits): Exits {
  return { failures, failedStarts };
}

function stopping(now: Instant): InstanceLife {
  return { phase: 'stopping', since: now, killedAt: null };
}

function stopped(life: InstanceLife, kind: 'stop' | 'kill', now: Instant): InstanceLife {
  if (life.phase === 'stopped') return life;
  if (life.phase !== 'stopping') return { phase: 'stopping', since: now, killedAt: kind === 'kill' ? now : null };
  return kind === 'kill' && life.killedAt === null ? { ...life, killedAt: now } : life;
}
