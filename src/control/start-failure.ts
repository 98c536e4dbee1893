import { hostPort } from '../core/endpoint.ts';
import type { StateOwner } from '../deploy/state-folder.ts';
import type { ListenProblem } from '../core/worker-messages.ts';
import type { ApplyResult } from './apply-result.ts';

/** A listener could not be opened. `listener`, `address` and `errno` are for programs. */
export class ListenFailure extends Error {
  override readonly name = 'ListenFailure';
  readonly listener: string;
  readonly address: string;
  readonly host: string;
  readonly port: number;
  readonly errno: string;

  constructor(problem: ListenProblem) {
    super(listenProblemText(problem));
    this.listener = problem.listener;
    this.host = problem.host;
    this.port = problem.port;
    this.address = hostPort(problem.host, problem.port);
    this.errno = problem.errno;
  }
}

/** The exchange log could not be opened at the start; the message is for people. */
export class LogFailure extends Error {
  override readonly name = 'LogFailure';
}

export function listenProblemText({ listener, host, port, errno }: ListenProblem): string {
  return `listener ${listener} cannot listen on ${hostPort(host, port)} (${errno})`;
}

/** The gateway was told to end before its listeners were open. */
export class StartAbandoned extends Error {
  override readonly name = 'StartAbandoned';
}

/** Another gateway has the state folder; the message is for people. */
export class StateFailure extends Error {
  override readonly name = 'StateFailure';
}

/** Says which process owns the state folder, and what to do. */
export function heldText(path: string, { process: { pid }, since }: StateOwner): string {
  const who = pid === process.pid ? 'another gateway of this process' : `process ${pid}`;
  return (
    `the state folder ${path} belongs to ${who}, a gateway that has owned it since ${since}: ` +
    'stop that gateway first, or give this one another folder with the key `state`'
  );
}

/** The error of a start whose first snapshot the workers have not applied. */
export function startFailureOf(applied: Extract<ApplyResult, { ok: false }>): Error {
  if (applied.workersUnavailable) return new Error(`a serving worker ended before it served: ${applied.why}`);
  const [problem] = applied.problems;
  return problem === undefined ? new Error('a worker rejected the first snapshot') : new ListenFailure(problem);
}

/** Why the workers have not applied a snapshot, in one sentence. */
export function refusalText(applied: Extract<ApplyResult, { ok: false }>): string {
  return applied.workersUnavailable ? applied.why : applied.problems.map(listenProblemText).join('; ');
}
