import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from '../../test/properties.ts';
import { fail, type Failure } from '#failures/failure.ts';
import { decideRetry, inVainFor, isIdempotent, type RetryFacts } from './retry.ts';

/** A GET that was lost on its way, with another endpoint at hand. */
const lost: RetryFacts = {
  attemptsMade: 1,
  attemptsMax: 2,
  committed: false,
  inVain: null,
  delivery: 'sent_unknown',
  retried: false,
  tookLong: false,
  method: 'GET',
  bodyHeld: true,
  elsewhere: true,
  retriableStatus: false,
  timeLeft: true,
  hasKey: false,
  mayReturn: false,
};

const table: readonly [what: string, facts: Partial<RetryFacts>, retry: boolean, reason: string][] = [
  ['a lost GET', {}, true, 'idempotent'],
  ['a lost POST', { method: 'POST' }, false, 'not_idempotent'],
  ['a PATCH of which a part went out', { method: 'PATCH', delivery: 'partial' }, false, 'not_idempotent'],
  ['an unknown method', { method: 'BREW' }, false, 'not_idempotent'],
  ['a POST of which nothing was sent', { method: 'POST', delivery: 'not_sent' }, true, 'nothing_sent'],
  ['a POST that the peer refused', { method: 'POST', delivery: 'refused_by_peer' }, true, 'refused_by_peer'],
  ['a POST whose answer had begun', { method: 'POST', delivery: 'response_started' }, false, 'not_idempotent'],
  ['a PUT whose content is gone', { method: 'PUT', bodyHeld: false }, false, 'body_not_held'],
  ['a POST whose content is gone', { method: 'POST', bodyHeld: false }, false, 'not_idempotent'],
  [
    'a POST of which nothing was sent, its content gone',
    { method: 'POST', delivery: 'not_sent', bodyHeld: false },
    false,
    'body_not_held',
  ],
  ['a response that the client has part of', { committed: true }, false, 'committed'],
  ['a cause that another attempt does not help', { inVain: 'fails_anywhere' }, false, 'fails_anywhere'],
  ['a limit that ran out', { inVain: 'no_time_left' }, false, 'no_time_left'],
  ['a part sent, and the limit ran out', { inVain: 'no_time_left', committed: true }, false, 'committed'],
  ['the last attempt', { attemptsMade: 2 }, false, 'attempts_spent'],
  ['a repetition that is lost as well', { retried: true, attemptsMax: 3 }, false, 'attempts_spent'],
  ['a repetition that was never sent', { retried: true, attemptsMade: 2, delivery: 'not_sent' }, true, 'nothing_sent'],
  ['nothing sent by as many attempts as there may be', { attemptsMade: 2, delivery: 'not_sent' }, true, 'nothing_sent'],
  ['nothing sent by two more', { attemptsMade: 4, delivery: 'not_sent' }, false, 'attempts_spent'],
  [
    'nothing sent, and time spent on it',
    { attemptsMade: 2, delivery: 'not_sent', tookLong: true },
    false,
    'attempts_spent',
  ],
  ['nothing sent where one attempt is all', { attemptsMax: 1, delivery: 'not_sent' }, false, 'attempts_spent'],
  [
    'a status that the route retries',
    { retriableStatus: true, delivery: 'response_started' },
    true,
    'retriable_status',
  ],
  [
    'such a status to a POST',
    { retriableStatus: true, delivery: 'response_started', method: 'POST' },
    false,
    'not_idempotent',
  ],
  ['a lost POST with a key that its route trusts', { method: 'POST', hasKey: true }, true, 'idempotent'],
  ['such a POST whose content is gone', { method: 'POST', hasKey: true, bodyHeld: false }, false, 'body_not_held'],
  ['a wait that the exchange does not last for', { timeLeft: false }, false, 'no_time_left'],
  ['nowhere else to go', { elsewhere: false }, false, 'nowhere_else'],
  ['nothing sent and nowhere else to go', { delivery: 'not_sent', elsewhere: false }, false, 'nowhere_else'],
];

describe('decideRetry', () => {
  for (const [what, facts, retry, reason] of table) {
    it(`${retry ? 'tries again' : 'does not'}: ${what}`, () => {
      assert.deepEqual(decideRetry({ ...lost, ...facts }), { retry, reason });
    });
  }

  it('never repeats a request that may have been executed, unless its method is idempotent', () => {
    const facts = fc.record({
      attemptsMade: fc.integer({ min: 1, max: 4 }),
      attemptsMax: fc.integer({ min: 1, max: 4 }),
      committed: fc.boolean(),
      inVain: fc.constantFrom(null, 'no_time_left', 'client_left', 'fails_anywhere'),
      delivery: fc.constantFrom('not_sent', 'refused_by_peer', 'partial', 'sent_unknown', 'response_started'),
      retried: fc.boolean(),
      tookLong: fc.boolean(),
      method: fc.constantFrom('GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'LOCK', 'get'),
      bodyHeld: fc.boolean(),
      elsewhere: fc.boolean(),
      retriableStatus: fc.boolean(),
      timeLeft: fc.boolean(),
      hasKey: fc.boolean(),
      mayReturn: fc.boolean(),
    }) as fc.Arbitrary<RetryFacts>;
    fc.assert(
      fc.property(facts, (some) => {
        const { retry } = decideRetry(some);
        const mayHaveRun = some.delivery !== 'not_sent' && some.delivery !== 'refused_by_peer';
        if (mayHaveRun && !some.hasKey && !isIdempotent(some.method)) assert.equal(retry, false);
        const isSpent = !some.mayReturn && some.attemptsMade >= some.attemptsMax;
        if (mayHaveRun && (some.retried || isSpent)) assert.equal(retry, false);
        if (!some.mayReturn && some.attemptsMade >= some.attemptsMax + 2) assert.equal(retry, false);
        if (some.committed || !some.bodyHeld || !some.timeLeft || some.inVain !== null) assert.equal(retry, false);
      }),
    );
  });

  it('knows the idempotent methods of RFC 9110 §9.2.2, which are case-sensitive', () => {
    const asked = ['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE', 'POST', 'PATCH', 'CONNECT', 'get'];
    assert.deepEqual(asked.filter(isIdempotent), ['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE']);
  });
});

describe('why another attempt would not help', () => {
  const address = '10.0.0.7:3000';
  const table: readonly [failure: Failure, reason: string | null][] = [
    [fail('connect_refused', 'connect', { address }), null],
    [fail('connect_timeout', 'connect', { address, limitMs: 300 }), null],
    [fail('closed_before_response', 'response', { address, reused: false, idleMs: 0 }), null],
    [fail('response_head_timeout', 'response', { address, limitMs: 500 }), 'no_time_left'],
    [fail('response_body_stalled', 'body', { address, idleMs: 250, bytesReceived: 4 }), 'no_time_left'],
    [fail('request_write_timeout', 'send', { address, limitMs: 500, bytesSent: 65_536 }), 'no_time_left'],
    [fail('exchange_timeout', 'response', { address, limitMs: 500 }), 'no_time_left'],
    [fail('client_gone', 'response', { bytesSent: 0, how: 'reset' }), 'client_left'],
    [fail('request_body_timeout', 'request', { idleMs: 5000, bytesReceived: 4 }), 'fails_anywhere'],
    [fail('response_too_many_headers', 'response', { address, limit: 100 }), 'fails_anywhere'],
    [fail('gateway_fault', 'response', { invariant: 'it ends once' }), 'fails_anywhere'],
  ];
  for (const [failure, reason] of table) {
    it(`of ${failure.cause}: ${reason ?? 'it might help'}`, () => assert.equal(inVainFor(failure), reason));
  }
});
