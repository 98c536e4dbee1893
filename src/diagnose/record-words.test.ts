import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Cause } from '#failures/failure.ts';
import { failureTable } from '#failures/failure-table.ts';
import { shapeOfType, specOfCause } from '#failures/failure-texts.ts';
import type { Shape, Whose } from '#failures/shape.ts';
import type { ExchangeRecord } from '../core/schemas/record.ts';
import { ruleWords, verdictAndWhose, verdictWords } from './record-words.ts';
import { shapeWords, whoseWords } from '#failures/failure-words.ts';

const clientCauses = (Object.keys(failureTable) as Cause[])
  .map((cause) => ({ cause, ...specOfCause(cause) }))
  .filter(({ type }) => shapeOfType(type) === 'client_abort');
const everyWhose = [...(Object.keys(whoseWords) as Whose[]), null];

test('a line says what was wrong with credentials, and what is wanted where there were none', () => {
  const told = (fault: string): string | null =>
    ruleWords({ cause: 'not_authenticated', evidence: { scheme: 'a token', fault } as never });
  assert.deepEqual(
    [told('the token has expired'), told('the request has none')],
    ['token has expired', 'wants a token'],
  );
});

describe('a verdict and who caused it', () => {
  for (const shape of Object.keys(shapeWords) as Shape[]) {
    test(`${shape}: names no cause twice`, () => {
      for (const whose of everyWhose) {
        const text = verdictAndWhose({ shape, cause: null, whose, attempts: [] });
        for (const owner of Object.values(whoseWords)) {
          assert.ok(text.split(owner).length <= 2, `"${text}" names ${owner} twice`);
        }
        // Without a cause, the client left.
        assert.ok(text.startsWith(shape === 'client_abort' ? 'the client left' : shapeWords[shape]));
      }
    });
  }

  test('a response after a failed attempt is not called successful', () => {
    const attempts = [{ cause: 'connect_refused' }, { cause: null }] as unknown as ExchangeRecord['attempts'];
    assert.equal(verdictWords({ shape: 'none', cause: null, attempts }), 'answered after a retry');
  });

  test('a request that the gateway refuses for its client is not said to be aborted', () => {
    const told = (cause: ExchangeRecord['cause']): string =>
      verdictAndWhose({ shape: 'client_abort', cause, whose: 'client', attempts: [] });
    assert.equal(told('too_many_connections_from_address'), 'refused: its address has too many connections');
    assert.equal(told('request_head_timeout'), 'the request came too slowly');
    assert.equal(told('client_gone'), 'the client left');
    assert.equal(told('request_refused'), 'refused: the request breaks a rule');
    assert.equal(told('constructor' as 'client_gone'), shapeWords.client_abort);
    for (const { cause, status } of clientCauses)
      if (status !== 0 && cause !== 'request_body_truncated') assert.doesNotMatch(told(cause), /left|abort/, cause);
  });

  test("the application's own error is mentioned once", () => {
    const record = { shape: 'app_error', cause: null, whose: 'application', attempts: [] } as const;
    assert.equal(verdictAndWhose(record), "the application's own error");
  });
});
