import type { ReadinessSpec } from '../core/configuration.ts';
import type { InstanceTraffic } from '../core/live-instance.ts';
import { after, type Clock, type Timer } from '../core/time.ts';
import { ReadinessCheckLoop, nextCheckInMs } from './readiness-check-loop.ts';
import type { Host, ListeningSocket, Program } from './host.ts';
import type { InstanceLife } from './instance-life.ts';
import { WrongListenAddressWatch } from './wrong-listen-address.ts';
import { keepsReady, type ReadinessResult } from './readiness.ts';
import { ReadinessTrouble } from './readiness-trouble.ts';
import { ReadyCheckInterval } from './ready-check-interval.ts';

export interface ReadinessWatchParts {
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

/** The kernel's count of kills for memory is compared with a sample of some seconds ago (`memory-kills.ts`). */
const memoryEveryMs = 5_000;

/** Watches one run of an instance at a time: checks it repeatedly, and finds out where it listens instead. */
export class ReadinessWatch {
  readonly #parts: ReadinessWatchParts;
  /** Of the run that is watched; null while none is. */
  #checking: { readonly checks: ReadinessCheckLoop; readonly interval: ReadyCheckInterval } | null = null;
  #memoryTimer: Timer | null = null;
  #last: ReadinessResult | null = null;
  #wrongListenSockets: readonly ListeningSocket[] | null = null;
  /** Connections of checks and requests that were refused in a row. Requests between two checks saw the same moment: they count once. */
  #refusals = 0;

  constructor(parts: ReadinessWatchParts) {
    this.#parts = parts;
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
    this.#watchMemory(program);
  }

  /**
   * Requests show better than checks of a first page that an instance serves: a ready one is checked when requests
   * fail or stop. A readiness path of its own is checked now and then all the same (`ready-check-interval.ts`).
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
    this.#checking?.checks.stop();
    this.#checking = null;
    this.#memoryTimer?.cancel();
  }

  #found(checks: ReadinessCheckLoop, port: number, sockets: readonly ListeningSocket[]): void {
    if (this.#checking?.checks !== checks || this.#parts.life().phase !== 'starting') return;
    this.#wrongListenSockets = sockets;
    this.#parts.onWrongListenAddress(port, sockets);
  }
}
