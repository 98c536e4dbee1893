import { after, type Clock, type Instant } from '../core/time.ts';
import type { Host, ListeningSocket, Program } from './host.ts';
import { answersTo } from './listening.ts';

/** Between two looks; a look reads a file of every process of the machine, so the pauses double. */
const pauseFirstMs = 300;
const pauseMaxMs = 2_400;

/**
 * Finds out whether an application that does not answer on its port listens somewhere else. Reports it after two
 * looks with the same result: a program may open a port for metrics a moment before its own.
 */
export class WrongListenAddressWatch {
  readonly #clock: Clock;
  readonly #host: Host;
  readonly #onWrongListenAddress: (sockets: readonly ListeningSocket[]) => void;
  #nextAt: Instant = 0 as Instant;
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
