import assert from 'node:assert/strict';
import { test } from 'node:test';
import { partyOf } from './incident-party.ts';

test('clients that give up are at fault where they do not wait as long as ever, and the application where it has become late', () => {
  const suspects = [{ name: 'client_timeout', fit: 0.58, sentence: '', evidence: [], nextStep: '' }] as const;
  const of = (areLate: boolean) =>
    partyOf({
      ...{ root: 'late_response', parties: new Map(), suspects, areLate },
      ...{ answersInHttp: true, application: null },
    });
  assert.deepEqual([of(false), of(true)], ['client', 'application']);
});
