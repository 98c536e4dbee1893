import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AskUpstream } from '../../../core/subrequest.ts';
import { SimulatedClock } from '../../../testing/simulated-clock.ts';
import { type KnownKeys, UpstreamKeys } from './worker-key-source.ts';

/** An issuer whose set of keys is a word, and the workers that ask it. */
class Issuer {
  readonly clock = new SimulatedClock();
  published = 'old';
  asked = 0;

  worker(): UpstreamKeys {
    const ask: AskUpstream = async () => {
      this.asked++;
      const body = Buffer.from(this.published);
      return { ok: true, value: { status: 200, headers: [], get: () => null, body } };
    };
    return new UpstreamKeys('login', '/keys', { clock: this.clock, ask }, (text) => ({
      keys: text as never,
      count: 1,
    }));
  }
}

for (const publishedMs of [0, 250, 5000, 9750])
  test(`a key published ${publishedMs} ms after the last question is known within 10 s, whatever tokens strangers send`, async () => {
    const issuer = new Issuer();
    const worker = issuer.worker();
    await worker.renew();
    let knownMs: number | null = null;
    for (let ms = 0; ms <= 30_000; ms += 250) {
      if (ms === publishedMs) issuer.published = 'new';
      await worker.renew(); // A token that names an unknown key.
      if (String(worker.keys()) === 'new') knownMs ??= ms;
      issuer.clock.advanceSync(250);
    }
    assert.ok(knownMs !== null && knownMs - publishedMs <= 10_000, `known at ${knownMs} ms`);
    assert.equal(issuer.asked, 4, 'once, and each ten seconds');
  });

test('workers do not ask for what another one was told a moment ago', async () => {
  const issuer = new Issuer();
  const [one, other] = [issuer.worker(), issuer.worker()];
  await one.renew();
  issuer.clock.advanceSync(1000);
  other.offer(one.known as KnownKeys);
  assert.deepEqual([other.renew(), String(other.keys()), other.retryAfterS], [null, 'old', 9]);
  issuer.clock.advanceSync(9000);
  await other.renew();
  assert.equal(issuer.asked, 2);
});
