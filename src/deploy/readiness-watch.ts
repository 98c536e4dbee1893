import type { ReadinessSpec } from '../core/configuration.ts';
import { after, type Clock, type Timer } from '../core/time.ts';
import { Checks, nextCheckInMs } from './checks.ts';
import type { Host, ListeningSocket, Program } from './host.ts';
import type { InstanceLife } from './instance-life.ts';
import { MisplacementWatch } from './misplacement.ts';
import { keepsReady, type Observation } from './readiness.ts';
import { ReadinessTrouble } from './readiness-trouble.ts';
import { ReadyPace } from './ready-pace.ts';

export interface ReadinessWatchParts {
  readonly clock: Clock;
  readonly host: Host;
  /** As it is now: its phase decides whether and when the next check follows. */
  readonly life: () => InstanceLife;
  readonly onChecked: (observation: Observation) => void;
  /** It listens elsewhere than it was told. */
  readonly onMisplaced: (port: number, sockets: readonly ListeningSocket[]) => void;
  /** It is starting, and a trouble persists: once for each kind of it. */
  readonly onTrouble: () => void;
}

/** What requests at an instance came to since the last time. */
export interface InstanceTraffic {
  /** One of them was answered, and not with a 5xx status: an application that fails shows nothing by answering. */
  readonly served: boolean;
  /** One of them failed in a way that speaks against the instance. */
  readonly failed: boolean;
}

/** A request that failed is followed by a check this soon, but not more than one a second because of requests. */
const doubtMs = 250;
const doubtPauseMs = 1_000;

/** The kernel's count of kills for memory is compared with a sample of some seconds ago (`memory-kills.ts`). */
const memoryEveryMs = 5_000;

/** Watches one run of an instance at a time: asks it again and again, and finds out where it listens instead. */
export class ReadinessWatch {
  readonly #parts: ReadinessWatchParts;
  /** Of the run that is watched. */
  #asking: { readonly checks: Checks; readonly pace: ReadyPace } | null = null;
  #memoryTimer: Timer | null = null;
  #last: Observation | null = null;
  #misplaced: readonly ListeningSocket[] | null = null;

  constructor(parts: ReadinessWatchParts) {
    this.#parts = parts;
  }

  /** What the last check of this run saw; null before the first. */
  get last(): Observation | null {
    return this.#last;
  }

  /** Where it listens instead of where it was told; null where that is not known. */
  get misplaced(): readonly ListeningSocket[] | null {
    return this.#misplaced;
  }

  /** A new run: nothing is known of it. */
  forget(): void {
    this.#last = null;
    this.#misplaced = null;
  }

  begin(program: Program, port: number, readiness: () => ReadinessSpec): void {
    const { clock, life } = this.#parts;
    const misplacement = new MisplacementWatch(this.#parts, (sockets) => this.#found(checks, port, sockets));
    const trouble = new ReadinessTrouble();
    const pace = new ReadyPace(readiness());
    const checks = new Checks(this.#parts, port, readiness(), (observation) => {
      this.#last = observation;
      program.watchMemory(clock.now());
      this.#parts.onChecked(observation);
      pace.note(life().phase === 'ready' && keepsReady(observation, readiness().path) ? 'passed' : 'failed');
      const pauseMs = nextCheckInMs(life(), readiness(), observation, pace.pauseMs);
      if (pauseMs !== null) checks.askIn(pauseMs);
      if (life().phase !== 'starting') return;
      if (observation.kind === 'refused') misplacement.look(program, port);
      // Where it listens elsewhere that has been told already.
      if (this.#misplaced === null && trouble.note(observation, clock.now())) this.#parts.onTrouble();
    });
    this.#asking = { checks, pace };
    checks.askIn(readiness().intervalMs);
    this.#watchMemory(program);
  }

  /**
   * Traffic shows better than checks of its first page that an instance serves: a ready one is asked when it fails or
   * falls silent. A path of its own is asked now and then all the same (`ready-pace.ts`).
   */
  noteTraffic({ served, failed }: InstanceTraffic): void {
    const life = this.#parts.life();
    if (this.#asking === null || life.phase !== 'ready' || life.fails > 0) return;
    const { checks, pace } = this.#asking;
    if (failed) {
      pace.note('failed');
      checks.askSoon(doubtMs, doubtPauseMs);
    } else if (served && !checks.isInDoubt) {
      pace.note('served');
      checks.putOff(pace.pauseMs, pace.atMostMs);
    }
  }

  #watchMemory(program: Program): void {
    const { clock } = this.#parts;
    this.#memoryTimer?.cancel();
    const again = (): void => {
      program.watchMemory(clock.now());
      this.#watchMemory(program);
    };
    this.#memoryTimer = clock.schedule(after(clock.now(), memoryEveryMs), again, undefined);
  }

  end(): void {
    this.#asking?.checks.stop();
    this.#asking = null;
    this.#memoryTimer?.cancel();
  }

  #found(checks: Checks, port: number, sockets: readonly ListeningSocket[]): void {
    if (this.#asking?.checks !== checks || this.#parts.life().phase !== 'starting') return;
    this.#misplaced = sockets;
    this.#parts.onMisplaced(port, sockets);
  }
}
