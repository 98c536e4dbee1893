import assert from 'node:assert/strict';
import { test } from 'node:test';
import { failWith, succeed } from '#failures/result.ts';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import type { AcmeTransport } from './acme-documents.ts';
import { AskPermission, type PermissionAnswer } from './on-demand-names.ts';
import { pass } from './simulated-authority.test-support.ts';

const who = 'the endpoint of "ask" (127.0.0.1:3000)';

async function asked(send: AcmeTransport['send'], url = 'http://127.0.0.1:3000/check') {
  const clock = new SimulatedClock();
  const answers: PermissionAnswer[] = [];
  void new AskPermission(url, { send }, clock).ask('a.test').then((given) => answers.push(given));
  await pass(clock, 4999);
  const early = answers[0] ?? null;
  await pass(clock, 1);
  assert.equal(clock.timersLive, 0);
  return { early, answer: answers[0] ?? null };
}

for (const [code, isPermitted, isAnswer] of [
  [200, true, true],
  [204, true, true],
  [299, true, true],
  [301, false, true],
  [403, false, true],
  [404, false, true],
  [500, false, false],
  [503, false, false],
] as const)
  test(`a status ${code} ${isPermitted ? 'permits' : isAnswer ? 'refuses' : 'is no answer'}, and one request is sent`, async () => {
    let requests = 0;
    const { early } = await asked(async () => {
      requests++;
      return succeed({ status: code, headers: { location: '/yes' }, body: '' });
    });
    assert.deepEqual([early?.isPermitted, early?.isAnswer, requests], [isPermitted, isAnswer, 1]);
    const text = early?.text ?? '';
    if (!isPermitted) assert.ok(text.startsWith(who) && text.includes(String(code)), text);
  });

test('the name is a parameter beside those of the URL', async () => {
  const urls: string[] = [];
  const send: AcmeTransport['send'] = async ({ url }) => (
    urls.push(url), succeed({ status: 200, headers: {}, body: '' })
  );
  await asked(send, 'http://127.0.0.1:3000/check?key=1&domain=other');
  assert.deepEqual(urls, ['http://127.0.0.1:3000/check?key=1&domain=a.test']);
});

test('an endpoint that refuses connections, or says nothing for five seconds, has not answered', async () => {
  const refusing = await asked(async () => failWith({ reason: 'refused', code: 'ECONNREFUSED' }));
  assert.deepEqual(refusing.early, {
    isPermitted: false,
    isAnswer: false,
    text: `${who} cannot be asked (ECONNREFUSED)`,
  });
  let isAborted = false;
  const mute = await asked((_request, signal) => {
    signal.addEventListener('abort', () => (isAborted = true));
    return new Promise(() => {});
  });
  assert.equal(mute.early, null);
  assert.equal(mute.answer?.text, `${who} did not answer within 5 s`);
  assert.ok(isAborted, 'the connection is given up');
});
