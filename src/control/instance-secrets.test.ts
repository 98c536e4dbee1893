import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TextRedactor } from '../redact/text-redactor.ts';
import { certificatesWithoutSecrets, checkWithoutSecrets, withoutSecrets } from './instance-secrets.ts';

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

test('the status of certificates and the last check of an endpoint show no secret, nor a header that `log` hides', () => {
  const redactor = new TextRedactor(['x-origin-verify']);
  const said = `answered "token=${secret} x-origin-verify: ${secret}"`;
  const states = certificatesWithoutSecrets(
    [
      {
        ...{ names: ['a.example'], notAfter: null, renewAt: null, progress: null },
        failure: { reason: said, fix: `write to https://u:${secret}@ca.example`, at: 1, retryAt: 2 },
      },
    ],
    redactor,
  );
  const check = { at: 1, durationMs: 1, passed: false, reason: said, request: null, status: 302, body: said };
  const shown = JSON.stringify([states, checkWithoutSecrets(check, redactor), checkWithoutSecrets(null, redactor)]);
  assert.doesNotMatch(shown, new RegExp(secret));
  assert.match(shown, /token=…/);
});
