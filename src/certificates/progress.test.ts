import assert from 'node:assert/strict';
import { test } from 'node:test';
import { progressText } from '../core/managed-tls.ts';
import { down, issuerWorld, minuteMs, wanted } from './issuer-world.test-support.ts';
import { pass } from './simulated-authority.test-support.ts';

/** What the CA does not answer, and what the order of `a.test` waits for then. */
const waits: readonly (readonly [request: string, step: string, text: string])[] = [
  ['newAccount', 'account', 'registers the account at first.test'],
  ['newOrder', 'order', 'orders it from first.test'],
  ['challenge', 'validation', 'waits until first.test has validated a.test by http-01'],
  ['finalize', 'finalize', 'waits until first.test has issued it'],
];

for (const [request, step, text] of waits)
  test(`an order says that it ${text}, and since when; the next one waits for it`, async (t) => {
    const made = issuerWorld(t);
    made.first.fault = (path) => (path === request ? 'hang' : null);
    const issuer = made.issuer(made.first);
    const since = made.clock.wallTime();
    issuer.setWanted([wanted('a.test'), wanted('b.test')]);
    await pass(made.clock, 3000);
    const [own, other] = issuer.states();
    assert.ok(own?.progress && other?.progress);
    assert.deepEqual([own.progress.step, own.progress.since], [step, since]);
    assert.equal(progressText(own.progress), text);
    assert.deepEqual([other.progress.step, other.progress.since], ['queued', since]);
    assert.equal(progressText(other.progress), 'waits for the order of another certificate');
  });

test('a challenge that is not visible yet says whose it is, and of what kind', async (t) => {
  const made = issuerWorld(t);
  const issuer = made.issuer(made.first);
  const asked = wanted('a.test');
  asked.responder.kinds = ['dns-01'];
  asked.responder.present = () => new Promise(() => {});
  issuer.setWanted([asked]);
  await pass(made.clock, 1000);
  const progress = issuer.states()[0]?.progress ?? null;
  assert.ok(progress !== null);
  assert.deepEqual([progress.step, progress.name, progress.challenge], ['challenge', 'a.test', 'dns-01']);
  assert.equal(progressText(progress), 'makes the dns-01 challenge of a.test visible');
});

test('a certificate that is there, or whose next attempt is not due, waits for nothing', async (t) => {
  const made = issuerWorld(t);
  const issuer = made.issuer();
  issuer.setWanted([wanted('a.test')]);
  await pass(made.clock, minuteMs);
  assert.deepEqual(issuer.states()[0]?.progress, null);
  made.first.fault = made.second.fault = down;
  issuer.setWanted([wanted('b.test')]);
  await pass(made.clock, 1000);
  const [failed] = issuer.states();
  assert.ok(failed?.failure);
  assert.equal(failed.progress, null);
  await issuer.close();
});

test('a process that does not own the folder waits for the one that does', async (t) => {
  const made = issuerWorld(t);
  made.first.fault = () => 'hang';
  const [owner, other] = [made.issuer(made.first), made.issuer(made.first)];
  owner.setWanted([wanted('a.test')]);
  await pass(made.clock, 1000);
  other.setWanted([wanted('a.test')]);
  await pass(made.clock, 1000);
  const progress = other.states()[0]?.progress ?? null;
  assert.equal(progress?.step, 'other_process');
  assert.match(progressText(progress), /^waits for another process/);
});
