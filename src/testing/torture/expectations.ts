import type { ProxyErrorType } from '#failures/proxy-error.ts';
import type { Expectation, TortureJudgement } from './torture-case.ts';

/** The families of expectations. If the RFCs allow several reactions, each of them is right. */

const passedNothing: TortureJudgement = {
  verdict: 'dangerous',
  why: 'The client is told that it has everything, and it does not: it keeps what is broken (RFC 9112 §8).',
};
const cutNothing: TortureJudgement = {
  verdict: 'misleading',
  why: 'A head went out although nothing fit to be passed on had come.',
};

const nothing: Omit<Expectation, 'right' | 'errors' | 'cause'> = {
  acceptable: [],
  answers: [],
  passed: passedNothing,
  cut: cutNothing,
  poison: null,
  closed: null,
  interim: [],
};

/** The connection ended before a response. */
export function gone(...more: ProxyErrorType[]): Expectation {
  return {
    ...nothing,
    right: [502],
    acceptable: [503],
    errors: ['connection_terminated', 'http_response_incomplete', ...more],
    cause: 'the origin went away without an answer',
    closed: {
      verdict: 'acceptable',
      why: 'Closes a used connection without a word; a client may ask again (RFC 9112 §9.3.1), and learns nothing.',
    },
  };
}

/** The bytes are no response, or an invalid one. */
export function garbled(...more: ProxyErrorType[]): Expectation {
  return {
    ...nothing,
    right: [502],
    errors: ['http_protocol_error', ...more],
    cause: 'the origin sent something that is not HTTP/1',
  };
}

/** No response came in time. */
export function late(...more: ProxyErrorType[]): Expectation {
  return {
    ...nothing,
    right: [504],
    errors: ['http_response_timeout', 'connection_read_timeout', ...more],
    cause: 'the origin was too slow',
  };
}

/** The head was valid and the body broke off. */
export function broken(...more: ProxyErrorType[]): Expectation {
  return {
    ...gone(...more),
    cause: 'the origin broke off in the middle of its answer',
    closed: null,
    acceptable: [],
    cut: { verdict: 'right', why: 'The client sees that the body broke off.' },
  };
}

/** The head was valid and the body stalled. */
export function stalled(): Expectation {
  return {
    ...late(),
    cause: 'the origin stopped in the middle of its answer',
    cut: { verdict: 'right', why: 'The client sees that the body broke off.' },
  };
}

/** The gateway cannot reach the origin. */
export function unreachable(cause: string, right: 502 | 504, ...errors: ProxyErrorType[]): Expectation {
  return { ...nothing, right: [right], acceptable: [503], errors, cause };
}

/** A valid response, however odd it looks. */
export function lawful(status: number, ...bodies: string[]): Expectation {
  return {
    ...nothing,
    right: [],
    errors: [],
    cause: 'the answer was good',
    answers: answersOf(status, bodies),
    passed: { verdict: 'right', why: 'The answer came through as the origin gave it.' },
    cut: { verdict: 'misleading', why: 'The answer was good, and only part of it came through.' },
  };
}

/** Both are right: to refuse the response, or to repair it and pass it on. */
export function refuseOrRepair(refusal: Expectation, status: number, ...bodies: string[]): Expectation {
  return {
    ...refusal,
    answers: answersOf(status, bodies),
    passed: { verdict: 'right', why: 'The answer came through in good form, which the RFCs allow.' },
  };
}

/** To refuse is right. `passed` judges a response that is passed on. */
export function better(
  refusal: Expectation,
  passed: TortureJudgement,
  status: number,
  ...bodies: string[]
): Expectation {
  return { ...refusal, answers: answersOf(status, bodies), passed };
}

export function withPoison(expectation: Expectation, pattern: RegExp, judged: TortureJudgement): Expectation {
  return { ...expectation, poison: { pattern, judged } };
}

export function withInterim(expectation: Expectation, ...interim: number[]): Expectation {
  return { ...expectation, interim };
}

function answersOf(status: number, bodies: readonly string[]): Expectation['answers'] {
  return bodies.map((body) => ({ status, body }));
}

export function acceptable(why: string): TortureJudgement {
  return { verdict: 'acceptable', why };
}

export function misleading(why: string): TortureJudgement {
  return { verdict: 'misleading', why };
}

export function dangerous(why: string): TortureJudgement {
  return { verdict: 'dangerous', why };
}
