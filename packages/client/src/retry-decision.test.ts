import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { CallFailure } from './call-failure.ts';
import { sampleFailure } from './fetch-world.test-support.ts';
import { decideNextStep, type DecisionFacts } from './retry-decision.ts';

const statuses = [502, 503, 504];
const base: DecisionFacts = {
  failure: sampleFailure,
  method: 'GET',
  attempts: 1,
  attemptsMax: 4,
  idempotent: false,
  keyHonoured: false,
  replayable: true,
  statuses,
  leftMs: 30_000,
  backoffMs: 100,
};

const executed = ['partial', 'sent_unknown', 'response_started'] as const;
const unexecuted = ['not_sent', 'refused_by_peer'] as const;
const failed = (delivery: CallFailure['delivery'], more: Partial<CallFailure> = {}): CallFailure => ({
  ...sampleFailure,
  delivery,
  mayHaveBeenExecuted: !unexecuted.includes(delivery as 'not_sent'),
  ...more,
});

describe('whether a request is sent again, by method, delivery and origin', () => {
  const idempotents = ['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE'];
  const others = ['POST', 'PATCH', 'LOCK', 'QUERY'];
  for (const status of [null, 502]) {
    for (const delivery of [...executed, ...unexecuted]) {
      for (const method of [...idempotents, ...others]) {
        for (const keyHonoured of [false, true]) {
          const retry = !executed.includes(delivery as 'partial') || idempotents.includes(method) || keyHonoured;
          test(`${method}, ${delivery}, ${status ?? 'no answer'}, ${keyHonoured ? 'an origin that honours keys' : 'any origin'}: ${retry ? 'again' : 'once'}`, () => {
            const next = decideNextStep({ ...base, method, keyHonoured, failure: failed(delivery, { status }) });
            assert.equal(next.retry, retry);
            if (!retry) assert.equal(next.reason, 'not_idempotent');
          });
        }
      }
    }
  }
});

const rows: readonly (readonly [what: string, facts: Partial<DecisionFacts>, decision: string])[] = [
  ['a failure that does not pass', { failure: failed('not_sent', { temporary: false }) }, 'fails_anywhere'],
  ['a status that is not retried', { failure: failed('sent_unknown', { status: 500 }) }, 'status_not_retried'],
  [
    'any status that proves that nothing was executed',
    { failure: failed('not_sent', { status: 500 }) },
    'nothing_sent',
  ],
  ['a POST whose caller says that it does no harm', { method: 'POST', idempotent: true }, 'idempotent'],
  ['a POST by its key', { method: 'POST', keyHonoured: true }, 'idempotency_key'],
  ['a POST that the peer refused', { method: 'POST', failure: failed('refused_by_peer') }, 'refused_by_peer'],
  ['a body that was a stream', { replayable: false }, 'body_not_held'],
  [
    'a body that was a stream, of which nothing was sent',
    { replayable: false, failure: failed('not_sent') },
    'body_not_held',
  ],
  ['the last attempt', { attempts: 4 }, 'attempts_spent'],
  [
    'an attempt beyond the last that did not connect',
    { attempts: 15, failure: failed('not_sent', { status: null }) },
    'nothing_sent',
  ],
  ['the last of those', { attempts: 16, failure: failed('not_sent', { status: null }) }, 'attempts_spent'],
  [
    'the last attempt at a name that does not exist',
    { attempts: 4, failure: failed('not_sent', { status: null, cause: 'dns_not_found' }) },
    'attempts_spent',
  ],
  [
    'a client without retries that did not connect',
    { attemptsMax: 1, failure: failed('not_sent', { status: null }) },
    'attempts_spent',
  ],
  ['a wait that would be too long', { leftMs: 100 }, 'no_time_left'],
  [
    'a Retry-After that would be too long',
    { failure: failed('sent_unknown', { retryAfterMs: 40_000 }) },
    'no_time_left',
  ],
  [
    'a Retry-After without end',
    { failure: failed('sent_unknown', { retryAfterMs: Number.POSITIVE_INFINITY }) },
    'no_time_left',
  ],
];

for (const [what, facts, decision] of rows) {
  test(`the decision for ${what} is ${decision}`, () => {
    assert.equal(decideNextStep({ ...base, ...facts }).reason, decision);
  });
}

test('the wait is what the answer asks for, and the backoff behind it', () => {
  const next = decideNextStep({ ...base, failure: failed('sent_unknown', { retryAfterMs: 2000 }) });
  assert.deepEqual(next, { retry: true, delayMs: 2100, reason: 'idempotent' });
});
