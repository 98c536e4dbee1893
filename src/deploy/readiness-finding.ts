import type { ReadinessFinding } from '../core/endpoint.ts';
import type { Cause } from '#failures/failure.ts';
import { clause } from '#failures/failure-table/formatting.ts';
import { lowerFirst } from '#failures/first-letter.ts';
import { stepOfOtherProtocol } from '#failures/guess-words.ts';
import type { LastWords } from '#failures/last-words.ts';
import { type SaidWords, wordsText } from '#failures/words-text.ts';
import type { ListeningSocket } from './host.ts';
import { listenAdvice } from './exposure.ts';
import { answersTo, socketText } from './listening.ts';
import { type ReadinessResult, readinessResultText, hasPassed } from './readiness.ts';

/** What a finding depends on besides the observation. */
export interface FindingFacts {
  readonly path: string;
  readonly tcp?: true;
  readonly port: number;
  /** Started by `candor run`: the finding names options of the command line in place of keys of the configuration. */
  readonly fromCommand: boolean;
  /** It was deployed: two of its releases run at the same time, which one port does not allow. */
  readonly isRelease?: boolean;
  readonly command: readonly string[];
  /** Places in its words are relative to it. */
  readonly directory?: string;
  /** The HOST of its configuration; undefined: it has none. */
  readonly host?: string | undefined;
  /** Where the application listens instead of `port`; null where that is not known. */
  readonly wrongListenSockets: readonly ListeningSocket[] | null;
  /** The last words of the application; null: it wrote none. */
  readonly words: (SaidWords & Pick<LastWords, 'isError'>) | null;
}

/** Why an instance is not ready, and what to do; null while no check has failed. */
export function findingOf(observation: ReadinessResult | null, facts: FindingFacts): ReadinessFinding | null {
  if (observation === null || hasPassed(observation)) return null;
  if (observation.kind === 'refused' && facts.wrongListenSockets !== null)
    return wrongListenFinding(facts, facts.wrongListenSockets);
  const reason = `${readinessResultText(observation, facts)}${wroteText(observation, facts)}`;
  const cause = causes[observation.kind];
  return {
    ...{ reason, fix: fixOf(observation, facts), lasting: isLasting(observation) },
    ...(cause === undefined ? {} : { cause }),
  };
}

const causes: Readonly<Partial<Record<ReadinessResult['kind'], Cause>>> = {
  timed_out: 'response_head_timeout',
  closed: 'closed_before_response',
  not_http: 'response_not_http',
  other_protocol: 'response_not_http',
  unasked_protocol: 'response_not_http',
  not_http2: 'response_not_http2',
  refused: 'connect_refused',
};

/** The finding as one clause: what, and what to do. */
export function findingText({ reason, fix }: ReadinessFinding): string {
  return fix === null ? reason : `${reason}: ${fix}`;
}

/** An answer shows what is wrong by itself. Where none comes, the application often has written why. */
function wroteText(observation: ReadinessResult, { words, directory = '/' }: FindingFacts): string {
  const answered = observation.kind === 'answered' && (observation.status < 500 || observation.advice !== undefined);
  if (words === null || answered || isOtherwise.has(observation.kind)) return '';
  return `; the application wrote last: ${wordsText(words, directory)}`;
}

/** It answered, as no HTTP client can read it. */
const isOtherwise: ReadonlySet<ReadinessResult['kind']> = new Set([
  'not_http',
  'not_http2',
  'unasked_protocol',
  'other_protocol',
  'malformed',
]);

function pathOption({ fromCommand }: FindingFacts): string {
  return fromCommand ? '--readiness-path' : 'readiness.path';
}

function fixOf(observation: ReadinessResult, facts: FindingFacts): string | null {
  switch (observation.kind) {
    case 'connected':
      return null;
    case 'answered':
      return fixOfAnswer(observation, facts);
    case 'timed_out':
      return `${facts.words?.isError === true ? 'fix that error first; then ' : ''}find out what its answer waits for, or point ${pathOption(facts)} at a page that answers at once`;
    case 'closed':
      return 'read what it wrote when it closed the connection';
    case 'not_http':
      return `let it speak HTTP on port ${facts.port}`;
    case 'other_protocol':
      return lowerFirst(clause(stepOfOtherProtocol[observation.protocol]));
    case 'unasked_protocol':
      if (observation.protocol === 'tls')
        return `let it speak HTTP without TLS on port ${facts.port}: the listeners of the gateway speak TLS for it`;
      return facts.fromCommand
        ? 'start it from a configuration file that sets http2: true for the application'
        : 'set http2: true for the application';
    case 'not_http2':
      return `let it speak HTTP/2 without TLS on port ${facts.port}, or remove http2 from the application`;
    case 'malformed':
      return 'let it send a response that every HTTP client accepts: requests would be answered with a 502';
    case 'refused':
      return fixOfRefused(facts);
    case 'program':
      return facts.words?.isError === true
        ? 'fix that error'
        : 'read in its output what it waits for, or change `ready` of the worker';
  }
}

/** A supervisor (`node --watch`, `uvicorn --reload`) runs on where its application has ended by an error, and nothing listens. */
function fixOfRefused({ port, command, words }: FindingFacts): string {
  if (words?.isError === true) return 'fix that error: the process runs on, and nothing listens';
  return command.some((word) => word.includes('{port}'))
    ? `let it listen on 127.0.0.1 and the port that its command gives it as {port} (${port})`
    : `let it listen on 127.0.0.1 and the port in the PORT environment variable (${port}), or write {port} in its command`;
}

function fixOfAnswer(
  { status, location, advice, expected }: Extract<ReadinessResult, { kind: 'answered' }>,
  facts: FindingFacts,
): string {
  const option = pathOption(facts);
  if (expected?.unmet != null && status < 300) return 'let the application answer so, or change readiness.expect';
  if (status >= 300 && status <= 399 && location !== null) {
    return /^https:/i.test(location)
      ? `point ${option} at a path that answers 200 over plain HTTP`
      : `point ${option} at a path that answers 200`;
  }
  if (status === 404) return `point ${option} at a path that exists, such as /health or /up`;
  if (status === 400) return 'let the application allow the host "localhost"';
  if (status === 401 || status === 403) return `point ${option} at a path that needs no login`;
  if (advice !== undefined) return 'look at what its health document names: the application is not ready because of it';
  if (status >= 500) return `read in its output why it fails, or point ${option} at a path that does not`;
  return `point ${option} at a path that answers 200`;
}

/** Whether the finding stays until a person changes something; others may pass while the application starts. */
function isLasting(observation: ReadinessResult): boolean {
  const { kind } = observation;
  return isOtherwise.has(kind) || (observation.kind === 'answered' && observation.status < 500);
}

function wrongListenFinding(facts: FindingFacts, sockets: readonly ListeningSocket[]): ReadinessFinding {
  const addresses = sockets.map(socketText).join(' and ');
  if (sockets.every(({ path }) => path !== undefined)) return unixSocketFinding(facts, addresses, sockets.length);
  if (sockets.some((socket) => socket.port === facts.port)) {
    const reason = `the application listens on ${addresses}, not on 127.0.0.1`;
    return { reason, fix: listenAdvice(facts.command, facts.host), lasting: true };
  }
  const reason = `the application listens on ${addresses}, not on ${facts.port}, the port that it was given (PORT)`;
  return {
    reason,
    fix: `let it listen on ${givenPort(facts.command)}${portOption(facts, sockets)}`,
    lasting: true,
  };
}

function givenPort(command: readonly string[]): string {
  return command.some((word) => word.includes('{port}'))
    ? 'the port that its command gives it as {port}'
    : 'the port in the PORT environment variable, or write {port} in its command';
}

/** A program may open a socket for its own tools first, and its port later. */
function unixSocketFinding({ port, command }: FindingFacts, paths: string, count: number): ReadinessFinding {
  const reason = `the application listens on the unix socket${count === 1 ? '' : 's'} ${paths}, not on port ${port}, which it was given (PORT)`;
  return { reason, fix: `let it listen on ${givenPort(command)}`, lasting: false };
}

/** Where it listens on one port of 127.0.0.1, Candor can be told that port instead. */
function portOption({ fromCommand, isRelease }: FindingFacts, sockets: readonly ListeningSocket[]): string {
  const ports = new Set(sockets.filter((socket) => answersTo(socket, socket.port)).map(({ port }) => port));
  const [port] = ports;
  if (port === undefined || ports.size > 1 || isRelease === true) return '';
  return fromCommand ? `, or start Candor with --app-port ${port}` : `, or set port: ${port} for the application`;
}
