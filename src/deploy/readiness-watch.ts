import type { ReadinessSpec } from '../core/configuration.ts';
import type { InstanceTraffic } from '../core/live-instance.ts';
import { after, type Clock, type Instant } from '../core/time.ts';
import { ReadinessCheckLoop, nextCheckInMs } from './readiness-check-loop.ts';
import type { Host, ListeningSocket, Program } from './host.ts';
import { MemoryLook } from './memory-look.ts';
import type { InstanceLife } from './instance-life.ts';
import { keepsReady, type ReadinessResult, hasOwnCheck, hasPassed } from './readiness.ts';
import { answersTo } from './listening.ts';

interface ReadinessWatchParts {
  readonly clock: Clock;
  readonly host: Host;
  /** The present life: its phase decides whether and when the next check follows. */
  readonly life: () => InstanceLife;
  /** `refusals`: connections that were refused in a row until now. */
  readonly onChecked: (observation: ReadinessResult, refusals: number) => void;
  /** The program listens elsewhere than on its port. */
  readonly onWrongListenAddress: (port: number, sockets: readonly ListeningSocket[]) => void;
  /** The instance is starting and a problem persists. Called once for each kind of problem. */
  readonly onTrouble: () => void;
}

/** Delay of the check after a failed request, and the least pause between two such checks. */
const failedTrafficCheckMs = 250;
const failedTrafficPauseMs = 1_000;

/** The least pause between two checks after refused connections: as between those of an instance that refuses. */
const refusedPauseMs = 250;

/** Finds out whether one run of an instance at a time is ready. */
export interface ReadinessObserver {
  /** What was observed of this run last; null before the first observation. */
  readonly last: ReadinessResult | null;
  /** Where the program listens instead of on its port; null where that is not known. */
  readonly wrongListenSockets: readonly ListeningSocket[] | null;
  /** A new run: nothing is known of it. */
  reset(): void;
  begin(program: Program, port: number, readiness: () => ReadinessSpec): void;
  /** The run has printed a line. */
  noteLine(line: string): void;
  noteTraffic(traffic: InstanceTraffic): void;
  end(): void;
}

/** Watches one run of an instance at a time: checks it repeatedly, and finds out where it listens instead. */
export class ReadinessWatch implements ReadinessObserver {
  readonly #parts: ReadinessWatchParts;
  /** Of the run that is watched; null while none is. */
  #checking: { readonly checks: ReadinessCheckLoop; readonly interval: ReadyCheckInterval } | null = null;
  readonly #memoryLook: MemoryLook;
  #last: ReadinessResult | null = null;
  #wrongListenSockets: readonly ListeningSocket[] | null = null;
  /** Connections of checks and requests that were refused in a row. Requests between two checks saw the same moment: they count once. */
  #refusals = 0;

  constructor(parts: ReadinessWatchParts) {
    this.#parts = parts;
    this.#memoryLook = new MemoryLook(parts.clock);
  }

  /** What the last check of this run observed; null before the first. */
  get last(): ReadinessResult | null {
    return this.#last;
  }

  /** Where the program listens instead of on its port; null where that is not known. */
  get wrongListenSockets(): readonly ListeningSocket[] | null {
    return this.#wrongListenSockets;
  }

  /** A new run: nothing is known of it. */
  reset(): void {
    this.#last = null;
    this.#refusals = 0;
    this.#wrongListenSockets = null;
  }

  begin(program: Program, port: number, readiness: () => ReadinessSpec): void {
    const { clock, life } = this.#parts;
    const wrongListenAddress = new WrongListenAddressWatch(this.#parts, (sockets) =>
      this.#found(checks, port, sockets),
    );
    const trouble = new ReadinessTrouble();
    const interval = new ReadyCheckInterval(readiness());
    const checks = new ReadinessCheckLoop(this.#parts, port, readiness(), (observation) => {
      this.#last = observation;
      program.watchMemory(clock.now());
      this.#refusals = observation.kind === 'refused' ? this.#refusals + 1 : 0;
      this.#parts.onChecked(observation, this.#refusals);
      interval.note(life().phase === 'ready' && keepsReady(observation, readiness()) ? 'passed' : 'failed');
      const pauseMs = nextCheckInMs(life(), readiness(), observation, interval.pauseMs);
      if (pauseMs !== null) checks.checkIn(pauseMs);
      if (life().phase !== 'starting') return;
      if (observation.kind === 'refused') wrongListenAddress.check(program, port);
      // A wrong listen address has been reported already.
      if (this.#wrongListenSockets === null && trouble.shouldReport(observation, clock.now())) this.#parts.onTrouble();
    });
    this.#checking = { checks, interval };
    checks.checkIn(readiness().intervalMs);
    this.#memoryLook.begin(program);
  }

  /**
   * Requests show better than checks of a first page that an instance serves: a ready one is checked when requests
   * fail or stop. A readiness path of its own is checked now and then all the same.
   */
  noteTraffic({ served, failed, refused }: InstanceTraffic): void {
    const life = this.#parts.life();
    if (this.#checking === null || life.phase !== 'ready' || life.fails > 0) return;
    const { checks, interval } = this.#checking;
    if (refused === true) {
      this.#refusals = 1;
      interval.note('failed');
      checks.checkSoon(0, refusedPauseMs);
    } else if (failed) {
      interval.note('failed');
      checks.checkSoon(failedTrafficCheckMs, failedTrafficPauseMs);
    } else if (served && !checks.followsFailure) {
      interval.note('served');
      checks.putOff(interval.pauseMs, interval.atMostMs);
    }
  }

  /** Only requests show that it is ready. */
  noteLine(): void {}

  end(): void {
    this.#checking?.checks.stop();
    this.#checking = null;
    this.#memoryLook.end();
  }

  #found(checks: ReadinessCheckLoop, port: number, sockets: readonly ListeningSocket[]): void {
    if (this.#checking?.checks !== checks || this.#parts.life().phase !== 'starting') return;
    this.#wrongListenSockets = sockets;
    this.#parts.onWrongListenAddress(port, sockets);
  }
}

/** The first pause after an instance has become ready, and after a failure. */
const firstMs = 1_000;

/** Without requests the pauses double up to this: the application's log should have requests, not checks. */
const restMs = 30_000;

/** While requests are answered they show more than a check would; the next check comes this long after the last of them. */
const afterTrafficMs = 5_000;

/**
 * A readiness path of its own may tell what no page tells, such as that the application takes itself out: it is
 * checked at least this often.
 */
const ownPathMs = 10_000;

/** The result of a check, or of requests. */
type Sign = 'passed' | 'failed' | 'served';

/** The pause between checks of a ready instance: short after a failure, longer while nothing fails. */
class ReadyCheckInterval {
  /** The longest pause between two checks, whatever requests show. */
  readonly atMostMs: number;
  readonly #restMs: number;
  #calmMs = 0;

  constructor(readiness: ReadinessSpec) {
    this.atMostMs = hasOwnCheck(readiness) ? Math.max(ownPathMs, readiness.intervalMs) : Number.POSITIVE_INFINITY;
    this.#restMs = Math.min(restMs, this.atMostMs);
  }

  note(sign: Sign): void {
    if (sign === 'failed') this.#calmMs = 0;
    else if (sign === 'served') this.#calmMs = afterTrafficMs;
    else this.#calmMs = Math.min(this.#restMs, Math.max(firstMs, 2 * this.#calmMs));
  }

  /** Until the next check. */
  get pauseMs(): number {
    return Math.max(firstMs, this.#calmMs);
  }
}

/** An answer that persists this long is not the first page being compiled, and a person waits for the reason. */
const answerPersistsMs = 1_000;

/** Nothing listens while an application starts; most listen within this time. */
const refusalPersistsMs = 5_000;

/** Kinds of problems that are reported of one start. */
const reportedMax = 5;

/** Decides when an instance that starts and is not ready is worth an event: once for each kind of trouble that persists. */
class ReadinessTrouble {
  #kind = '';
  #since = 0 as Instant;
  readonly #reported = new Set<string>();

  /** Whether to tell of the trouble now. */
  shouldReport(observation: ReadinessResult, now: Instant): boolean {
    const kind = kindOf(observation);
    if (kind !== this.#kind) {
      this.#kind = kind;
      this.#since = now;
    }
    if (hasPassed(observation) || this.#reported.has(kind) || this.#reported.size >= reportedMax) return false;
    if (now - this.#since < (observation.kind === 'refused' ? refusalPersistsMs : answerPersistsMs)) return false;
    this.#reported.add(kind);
    return true;
  }
}

function kindOf(observation: ReadinessResult): string {
  return observation.kind === 'answered' ? `answered ${observation.status}` : observation.kind;
}

/**
 * Before the first look, and between two looks. A look reads a file of every process of the machine: most programs listen before the first one
 * would be due, and the pauses double.
 */
const pauseFirstMs = 300;
const pauseMaxMs = 2_400;

/**
 * Finds out whether an application that does not answer on its port listens somewhere else. Reports it after two
 * looks with the same result: a program may open a port for metrics a moment before its own.
 */
class WrongListenAddressWatch {
  readonly #clock: Clock;
  readonly #host: Host;
  readonly #onWrongListenAddress: (sockets: readonly ListeningSocket[]) => void;
  /** Null before the first refusal. */
  #nextAt: Instant | null = null;
  #pauseMs = pauseFirstMs;
  #seen = '';
  #reported = '';

  constructor(
    parts: { readonly clock: Clock; readonly host: Host },
    onWrongListenAddress: (sockets: readonly ListeningSocket[]) => void,
  ) {
    this.#clock = parts.clock;
    this.#host = parts.host;
    this.#onWrongListenAddress = onWrongListenAddress;
  }

  /** Call after each refused connection to `port`. */
  check(program: Program, port: number): void {
    const now = this.#clock.now();
    this.#nextAt ??= after(now, pauseFirstMs);
    if (now < this.#nextAt) return;
    this.#nextAt = after(now, this.#pauseMs);
    this.#pauseMs = Math.min(2 * this.#pauseMs, pauseMaxMs);
    // Sockets that cannot be read are not known: nothing is reported.
    this.#host.listening(program).then(
      (sockets) => this.#compare(sockets, port),
      () => {},
    );
  }

  #compare(sockets: readonly ListeningSocket[], port: number): void {
    const isElsewhere = sockets.length > 0 && !sockets.some((socket) => answersTo(socket, port));
    const seen = isElsewhere ? JSON.stringify(sockets) : '';
    const isConfirmed = seen !== '' && seen === this.#seen && seen !== this.#reported;
    this.#seen = seen;
    if (!isConfirmed) return;
    this.#reported = seen;
    this.#onWrongListenAddress(sockets);
  }
}
