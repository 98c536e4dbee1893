import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from '../../test/properties.ts';
import { SeededRandom } from '../testing/seeded-random.ts';
import { authorityAfter, expiryWarning, pauseAfterFailure, renewalInstant } from './renewal.ts';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const random = new SeededRandom('renewal');

test('without renewal information a certificate is renewed shortly before two thirds of its lifetime', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 400 }), fc.integer({ min: 0, max: 2 ** 40 }), (days, notBefore) => {
      const lifetimeMs = days * dayMs;
      const share =
        (renewalInstant({ notBefore, notAfter: notBefore + lifetimeMs }, null, random) - notBefore) / lifetimeMs;
      assert.ok(share > 0.61 && share <= 0.667, String(share));
    }),
  );
});

test('with renewal information it is renewed in the window, also in one that has passed', () => {
  const validity = { notBefore: 0, notAfter: 90 * dayMs };
  for (const window of [
    { start: 10 * dayMs, end: 11 * dayMs },
    { start: -5 * dayMs, end: -4 * dayMs },
  ]) {
    const at = renewalInstant(validity, window, random);
    assert.ok(at >= window.start && at <= window.end);
  }
});

test('a window behind the end of the certificate is ignored', () => {
  const at = renewalInstant({ notBefore: 0, notAfter: 90 * dayMs }, { start: 91 * dayMs, end: 92 * dayMs }, random);
  assert.ok(at <= 60 * dayMs);
});

test('after a rate limit the pause is an hour at least, and as long as the CA asks', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 60 }),
      fc.option(fc.integer({ min: 0, max: 6 * dayMs })),
      (failures, asked) => {
        const pauseMs = pauseAfterFailure({ kind: 'rate_limited', retryAfterMs: asked }, failures, random);
        assert.ok(pauseMs >= Math.max(hourMs, asked ?? 0));
      },
    ),
  );
});

test('pauses grow with the failures up to half a day, and to an hour where the CA is down', () => {
  const pauses = (kind: 'challenge_failed' | 'unreachable') =>
    [1, 2, 3, 30, 5000].map((failures) => {
      const pauseMs = pauseAfterFailure({ kind, retryAfterMs: null }, failures, { next: () => 0, fill() {} });
      return pauseMs / 60_000;
    });
  assert.deepEqual(pauses('challenge_failed'), [5, 10, 20, 720, 720]);
  assert.deepEqual(pauses('unreachable'), [1, 2, 4, 60, 60]);
});

test('four failures an hour at most are counted by a CA', () => {
  let [at, attempts] = [0, 0];
  for (; at < hourMs; attempts++) {
    at += pauseAfterFailure({ kind: 'challenge_failed', retryAfterMs: null }, attempts + 1, {
      next: () => 0,
      fill() {},
    });
  }
  assert.ok(attempts <= 4, String(attempts));
});

test('the next CA is asked after so many failures, and the first one again after the last', () => {
  assert.deepEqual(
    [0, 2, 3, 5, 6].map((failures) => authorityAfter(failures, 2, 3)),
    [0, 0, 1, 1, 0],
  );
  assert.equal(authorityAfter(9, 1, 3), 0);
});

test('warnings come at 21, 7 and 1 days and at the end, and only where a renewal is overdue', () => {
  const warnings = (lifetimeDays: number) =>
    [30, 21, 8, 7, 2, 1, 0, -3].map((days) =>
      expiryWarning({ notBefore: 0, notAfter: lifetimeDays * dayMs }, (lifetimeDays - days) * dayMs),
    );
  assert.deepEqual(warnings(90), [null, 21, 21, 7, 7, 1, 0, 0]);
  assert.deepEqual(warnings(6), [null, null, null, null, null, 1, 0, 0]);
});
