import { type RequestRule, requestRules } from '#failures/rules.ts';

/**
 * Bytes that two readers may take for different requests: the project's own collection. Each hides a request for
 * `/hidden` where one reader sees a body, or the other way round. Each payload has its expected result.
 */
export interface SmugglingPayload {
  readonly name: string;
  readonly steps: readonly Step[];
  /** The statuses that the client gets, in order, from an origin that answers everything with 200. */
  readonly answers: readonly number[];
  /** How many complete requests reach such an origin, each with its own exchange. */
  readonly reaches: number;
  /** The rule by which the gateway refuses the payload; null if it refuses nothing. */
  readonly rule: RequestRule | null;
}

/** Bytes (latin1), a pause in milliseconds, or a wait for the first bytes of the answer. */
export type Step = string | number | typeof untilAnswered;

export const untilAnswered = Symbol('until answered');

export const hidden = 'GET /hidden HTTP/1.1\r\nHost: a\r\n\r\n';
/** A chunked message that ends at once, then the hidden request. */
export const zeroChunk = `0\r\n\r\n${hidden}`;
/** Long enough for all earlier bytes to have been read, and for an answer to have come. */
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

/** Refused: nothing reaches the origin, except `behind` complete requests before the refused bytes. */
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

/** Accepted as a whole, as this many requests. */
export function taken(count: number, name: string, steps: string | readonly Step[]): SmugglingPayload {
  const answers = new Array<number>(count).fill(200);
  return { name, steps: typeof steps === 'string' ? [steps] : steps, answers, reaches: count, rule: null };
}

/** Accepted as a whole, and answered with these statuses. */
export function answered(answers: readonly number[], name: string, steps: readonly Step[]): SmugglingPayload {
  return { name, steps, answers, reaches: answers.length, rule: null };
}
