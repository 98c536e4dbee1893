import type { Host, ListeningSocket, Program } from './host.ts';
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

/**
 * How programs are told an address, by the name of the program. They do not read HOST, which Candor has set; where they do not read PORT
 * either, {port} is what a command has: no shell runs that would know `$PORT`.
 */
export const listenOptions: Readonly<Record<string, string>> = {
  next: '`next start -H 127.0.0.1`',
  'node-red': '`node-red -p {port} -D uiHost=127.0.0.1`',
  gunicorn: '`gunicorn -b 127.0.0.1:{port}`',
  hypercorn: '`hypercorn -b 127.0.0.1:{port}`',
  uvicorn: '`uvicorn --host 127.0.0.1 --port {port}`',
  fastapi: '`fastapi run --host 127.0.0.1 --port {port}`',
  flask: '`flask run --host 127.0.0.1 --port {port}`',
  django: '`manage.py runserver 127.0.0.1:{port}`',
  'manage.py': '`manage.py runserver 127.0.0.1:{port}`',
  streamlit: '`streamlit run --server.address 127.0.0.1 --server.port {port}`',
  jupyter: '`jupyter lab --ServerApp.ip=127.0.0.1 --ServerApp.port={port}`',
  vite: '`vite --host 127.0.0.1 --port {port}`',
  astro: '`astro dev --host 127.0.0.1 --port {port}`',
  nuxt: '`nuxt dev --host 127.0.0.1 --port {port}`',
  ng: '`ng serve --host 127.0.0.1 --port {port}`',
  webpack: '`webpack serve --host 127.0.0.1 --port {port}`',
  'http-server': '`http-server -a 127.0.0.1 -p {port}`',
  serve: '`serve -l tcp://127.0.0.1:{port}`',
  verdaccio: '`verdaccio --listen 127.0.0.1:{port}`',
  puma: '`puma -b tcp://127.0.0.1:{port}`',
  rails: '`rails server -b 127.0.0.1`',
  rackup: '`rackup -o 127.0.0.1 -p {port}`',
  php: '`php -S 127.0.0.1:{port}`',
  prometheus: '`prometheus --web.listen-address=127.0.0.1:{port}`',
};

/** A command may be a script of many words. */
const wordsMax = 40;

/** What to do about an application that listens elsewhere, or where strangers reach it. `host`: the HOST of its configuration; undefined: Candor's, 127.0.0.1. */
export function listenAdvice(command: readonly string[] = [], host?: string): string {
  const let127 = 'let it listen on 127.0.0.1';
  const option = optionOf(command);
  if (option !== null) return `${let127}: ${option}`;
  if (host !== undefined && host !== '127.0.0.1')
    return `${let127}: its HOST environment variable is ${host}, by the configuration`;
  return `${let127} by a setting or an option of its own, such as --host: it does not read the HOST environment variable, which Candor sets to 127.0.0.1`;
}

/** The option of the first program that is known; a command may be a shell, `npx`, or an interpreter with a module. */
function optionOf(command: readonly string[]): string | null {
  const words = command
    .filter((_, index) => !/^(?:-[ep]|--eval|--print)$/.test(command[index - 1] ?? '')) // A program's own text.
    .flatMap((word) => word.split(/[\s;&|]+/))
    .slice(0, wordsMax);
  for (const word of words) {
    const name = word.slice(word.lastIndexOf('/') + 1).replace(/\.(?:c?js|mjs|cmd)$/, '');
    const option = Object.hasOwn(listenOptions, name) ? listenOptions[name] : undefined;
    if (option !== undefined) return option;
  }
  return null;
}
