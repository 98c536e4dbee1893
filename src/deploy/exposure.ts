import type { Host, ListeningSocket, Program } from './host.ts';
import { listenAdvice } from './listen-advice.ts';
import { socketText } from './listening.ts';

/** Addresses that stand for every address of the machine. */
const everyAddress: ReadonlySet<string> = new Set(['0.0.0.0', '::']);

/** Where strangers reach the port of an application without the gateway: '0.0.0.0:41213'. Null where none can. */
export function exposedAt(sockets: readonly ListeningSocket[], port: number): string | null {
  const open = sockets.find((socket) => socket.port === port && everyAddress.has(socket.host));
  return open === undefined ? null : socketText(open);
}

/** What it means, and what to do. */
export function exposureText(at: string, command: readonly string[]): string {
  return `the application listens on every address (${at}), so that clients that reach this machine on that port bypass the gateway: ${listenAdvice(command)}`;
}

/** Finds out whether the program of an instance is exposed. Each application is reported once. */
export class ExposureCheck {
  readonly #host: Pick<Host, 'listening'>;
  readonly #application: { isReported: boolean };
  readonly #report: (at: string) => void;
  /** The program that is looked at; null: none is. */
  #program: Program | null = null;
  #at: string | null = null;

  /** `application`: shared by the instances of one application. */
  constructor(host: Pick<Host, 'listening'>, application: { isReported: boolean }, report: (at: string) => void) {
    this.#host = host;
    this.#application = application;
    this.#report = report;
  }

  /** Where the program is exposed; null where it is not, or where that is not known. */
  get at(): string | null {
    return this.#at;
  }

  /** Looks once, for each time that the program becomes ready. Sockets that cannot be read are not known. */
  begin(program: Program, port: number): void {
    this.#program = program;
    this.#host.listening(program).then(
      (sockets) => {
        if (this.#program === program) this.#note(exposedAt(sockets, port));
      },
      () => {},
    );
  }

  /** The program has ended, or another process looks after it. */
  stop(): void {
    this.#program = null;
  }

  /** A new program: nothing is known of it. */
  reset(): void {
    this.stop();
    this.#at = null;
  }

  #note(at: string | null): void {
    this.#at = at;
    if (at === null || this.#application.isReported) return;
    this.#application.isReported = true;
    this.#report(at);
  }
}
