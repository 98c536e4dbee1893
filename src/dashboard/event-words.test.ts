import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { EventJson } from '../core/event-json.ts';
import { actorWords, overlayWords, subjectWords } from './event-words.ts';

describe('the words for an event', () => {
  for (const [subject, words] of [
    ['gateway', 'gateway'],
    ['endpoint:shop/10.0.0.1:3000', 'endpoint shop/10.0.0.1:3000'],
    ['overlay:maintenance', 'all routes'],
    ['overlay:maintenance:shop', 'route shop'],
    ['overlay:pause:upstream:api', 'upstream api'],
    ['overlay:eject:shop/10.0.0.1:3000', 'endpoint shop/10.0.0.1:3000'],
  ] as const)
    test(`name the subject ${subject}`, () => assert.equal(subjectWords(subject), words));

  for (const [actor, words] of [
    ['admin:token:oncall', 'oncall (token)'],
    ['admin:session:oncall', 'oncall (dashboard)'],
    ['admin:session', 'admin socket (dashboard)'],
    ['admin:socket', 'admin socket'],
    ['admin:unknown', 'not known'],
    ['signal:SIGHUP', 'signal SIGHUP'],
    ['gateway', 'gateway'],
  ] as const)
    test(`name the actor ${actor}`, () => assert.equal(actorWords(actor), words));

  const change = (entry: string, after: object | null): string =>
    overlayWords({
      subject: `overlay:${entry}`,
      reason: 'as the gateway says it',
      evidence: { after },
    } as unknown as EventJson);
  test('say until when an endpoint is ejected, and why', () => {
    const after = { until: '2026-11-24T12:00:00.000Z', reason: 'slow disk' };
    assert.equal(
      change('eject:shop/10.0.0.1:3000', after),
      'Ejected endpoint shop/10.0.0.1:3000 until 2026-11-24T12:00:00Z: slow disk',
    );
  });
  test('say the new weight', () =>
    assert.equal(change('weight:shop/a:1', { weight: 2 }), 'Weight of endpoint shop/a:1 set to 2'));
  test('are those of the gateway for a kind of change that the page does not know', () =>
    assert.equal(change('shadow:shop', {}), 'as the gateway says it'));
});
