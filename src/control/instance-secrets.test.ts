import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TextRedactor } from '../core/redact/text-redactor.ts';
import { withoutSecrets } from './instance-secrets.ts';

const secret = 'hunter2-canary';
const text = `GET / was answered with 500; the application wrote last: "password=${secret}"`;

test('no text about an instance shows a credential that its application printed', () => {
  const exit = { atInstant: 1, code: 1, signal: null, outOfMemory: false, lastLine: text };
  const [shown] = withoutSecrets(
    [
      {
        id: 'shop/1',
        address: { kind: 'tcp', host: '127.0.0.1', port: 3000 },
        state: 'starting',
        reason: text,
        finding: { reason: text, fix: null, lasting: false },
        sinceInstant: 0,
        release: null,
        exit,
      },
    ],
    new TextRedactor(),
  );
  assert.doesNotMatch(JSON.stringify(shown), new RegExp(secret));
  assert.match(shown?.finding?.reason ?? '', /^GET \/ was answered with 500/);
});
