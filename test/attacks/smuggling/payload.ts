import { type RequestRule, requestRules } from '../../../src/core/rules.ts';

/**
 * Bytes that two readers may take for different requests: our own collection. Each hides a request for `/hidden`
 * where one reader sees content, or the other way round. What must come of each stands beside it.
 */
export interface SmugglingPayload {
  readonly name: string;
  readonly steps: readonly Step[];
  /** The statuses that the client gets, in order, from an origin that answers everything with 200. */
  readonly answers: readonly number[];
  /** How many whole requests reach such an origin; each with its own exchange. */
  readonly reaches: number;
  /** The rule by which the gateway refuses what it refuses; null where it refuses nothing. */
  readonly rule: RequestRule | null;
}

/** Bytes (latin1), a pause in milliseconds, or a wait for the first bytes that come back. */
export type Step = string | number | typeof untilAnswered;

export const untilAnswered = Symbol('until answered');

export const hidden = 'GET /hidden HTTP/1.1\r\nHost: a\r\n\r\n';
/** A chunked message that ends at once, then the hidden request. */
export const zeroChunk = `0\r\n\r\n${hidden}`;
/** Long enough for everything sent before to have been read, and for an answer to have come. */
export const pause = 30;

export function post(...lines: readonly string[]): string {
  return message('POST /p HTTP/1.1', 'Host: a', ...lines);
}

export function get(...lines: readonly string[]): string {
  return message('GET /g HTTP/1.1', 'Host: a', ...lines);
}

export function chunked(...lines: readonly string[]): string {
  return post('Transfer-Encoding: chunked', ...lines);
}

export function message(...lines: readonly string[]): string {
  return [...lines, '', ''].join('\r\n');
}

/** Nothing reaches the origin, unless `behind` whole requests stand before what is refused. */
export function refused(
  rule: RequestRule,
  name: string,
  steps: string | readonly Step[],
  behind = 0,
): SmugglingPayload {
  const { status } = requestRules[rule];
  const answers = [...new Array<number>(behind).fill(200), status];
  return { name, steps: typeof steps === 'string' ? [steps] : steps, answers, reaches: behind, rule };
}

/** All of it is taken, as so many requests. */
export function taken(count: number, name: string, steps: string | readonly Step[]): SmugglingPayload {
  const answers = new Array<number>(count).fill(200);
  return { name, steps: typeof steps === 'string' ? [steps] : steps, answers, reaches: count, rule: null };
}

/** All of it is taken, and answered with these statuses. */
export function answered(answers: readonly number[], name: string, steps: readonly Step[]): SmugglingPayload {
  return { name, steps, answers, reaches: answers.length, rule: null };
}
