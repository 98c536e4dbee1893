import type { Failure, Guess } from './failure.ts';

/** What bytes look like that are not HTTP, behind 'it looks like'. */
export const guessWords: Readonly<Record<Guess, string>> = {
  ssh: 'an SSH server',
  tls: 'TLS',
  http2: 'HTTP/2',
  fastcgi: 'FastCGI',
  uwsgi: "uWSGI's own protocol",
  ajp: 'AJP',
  html: 'HTML without a response head',
  json: 'JSON without a response head',
  stack_trace: 'a stack trace',
  text: 'plain text',
  binary: 'binary data',
  nothing: 'nothing',
};

/** Protocols that an endpoint was asked for after it had closed the connection of an HTTP request: it speaks them, that is no guess. */
export type OtherProtocol = 'fastcgi' | 'uwsgi' | 'ajp';

const otherProtocols: ReadonlySet<Guess> = new Set(['fastcgi', 'uwsgi', 'ajp']);

export function isOtherProtocol(guess: Guess): guess is OtherProtocol {
  return otherProtocols.has(guess);
}

/** What an endpoint can be known to speak in place of HTTP/1.1: HTTP/2 where its first bytes are a SETTINGS frame (RFC 9113 §3.4). */
export type SpokenProtocol = OtherProtocol | 'http2';

export function isSpokenProtocol(guess: Guess): guess is SpokenProtocol {
  return guess === 'http2' || isOtherProtocol(guess);
}

/** What an endpoint speaks in place of HTTP/1.1, by the failure of a request on a fresh connection; null: that is not known. */
export function spokenIn({ cause, evidence }: Failure): SpokenProtocol | null {
  if (cause !== 'response_not_http' || evidence.answeredBefore !== undefined) return null;
  return isSpokenProtocol(evidence.guess) ? evidence.guess : null;
}

/** What to do where an endpoint speaks another protocol. */
export const stepOfOtherProtocol: Readonly<Record<SpokenProtocol, string>> = {
  http2:
    'Set `http2: true` of the upstream, or of the application if Candor starts the program: the gateway speaks HTTP/2 with it then, without TLS too.',
  fastcgi:
    'Set `protocol: fastcgi` of the upstream, or of the application if Candor starts the program, and `php: { root: /srv/www }` for the route, with the folder of the programs.',
  uwsgi:
    'Start uWSGI with `--http-socket` in place of `--socket` or `--uwsgi-socket`: then it speaks HTTP at that address.',
  ajp: 'Point the gateway at the HTTP connector of the server, which Tomcat has on port 8080 by default.',
};
