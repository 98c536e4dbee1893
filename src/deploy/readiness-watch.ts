import type { ReadinessSpec } from '../core/configuration.ts';
import type { Clock } from '../core/time.ts';
import { checkPauseMs, Checks } from './checks.ts';
import type { Host, ListeningSocket, Program } from './host.ts';
import type { InstanceLife } from './instance-life.ts';
import { MisplacementWatch } from './misplacement.ts';
import type { Observation } from './readiness.ts';
import { ReadinessTrouble } from './readiness-trouble.ts';

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

/** Watches one run of an instance at a time: asks it again and again, and finds out where it listens instead. */
export class ReadinessWatch {
  readonly #parts: ReadinessWatchParts;
  #checks: Checks | null = null;
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
    const checks = new Checks(this.#parts, port, readiness(), (observation) => {
      this.#last = observation;
      program.watchMemory(clock.now());
      this.#parts.onChecked(observation);
      const pauseMs = checkPauseMs(life(), readiness(), observation);
      if (pauseMs !== null) checks.askIn(pauseMs);
      if (life().phase !== 'starting') return;
      if (observation.kind === 'refused') misplacement.look(program, port);
      // Where it listens elsewhere that has been told already.
      if (this.#misplaced === null && trouble.note(observation, clock.now())) this.#parts.onTrouble();
    });
    this.#checks = checks;
    checks.askIn(readiness().intervalMs);
  }

  end(): void {
    this.#checks?.stop();
    this.#checks = null;
  }

  #found(checks: Checks, port: number, sockets: readonly ListeningSocket[]): void {
    if (this.#checks !== checks || this.#parts.life().phase !== 'starting') return;
    this.#misplaced = sockets;
    this.#parts.onMisplaced(port, sockets);
  }
}
