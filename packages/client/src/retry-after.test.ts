import assert from 'node:assert/strict';
import { test } from 'node:test';
import { waitAskedBy } from './retry-after.ts';

const wallTime = Date.UTC(2026, 10, 28, 12, 0, 0);

const cases: readonly (readonly [what: string, headers: Readonly<Record<string, string>>, waitMs: number | null])[] = [
  ['nothing', {}, null],
  ['seconds', { 'retry-after': '120' }, 120_000],
  ['no seconds', { 'retry-after': '0' }, 0],
  ['seconds with blanks', { 'retry-after': ' 3 ' }, 3000],
  ['the longer of two headers', { 'retry-after': '2, 5' }, 5000],
  ['a header beside a word', { 'retry-after': 'soon, 5' }, 5000],
  ['a date before seconds', { 'retry-after': 'Sat, 28 Nov 2026 12:00:30 GMT, 5' }, 30_000],
  ['a date behind seconds', { 'retry-after': '50, Saturday, 28-Nov-26 12:00:30 GMT' }, 50_000],
  ['more seconds than there are', { 'retry-after': '9'.repeat(400) }, Number.POSITIVE_INFINITY],
  ['a negative number', { 'retry-after': '-5' }, null],
  ['a word', { 'retry-after': 'soon' }, null],
  ['a date', { 'retry-after': 'Sat, 28 Nov 2026 12:00:30 GMT' }, 30_000],
  ['a date that has passed', { 'retry-after': 'Sat, 28 Nov 2026 11:00:00 GMT' }, 0],
  [
    'a date by the clock of a server that is an hour behind',
    { 'retry-after': 'Sat, 28 Nov 2026 11:00:07 GMT', date: 'Sat, 28 Nov 2026 11:00:00 GMT' },
    7000,
  ],
  ['a date in the form of RFC 850', { 'retry-after': 'Saturday, 28-Nov-26 12:00:30 GMT' }, 30_000],
  ['a date in the form of asctime, which has no zone', { 'retry-after': 'Sat Nov 28 12:00:30 2026' }, 30_000],
  ['a date that is none', { 'retry-after': 'Sat, 99 Nov 2026 12:00:30 GMT' }, null],
  ['a quota that is spent', { ratelimit: '"default";r=0;t=30' }, 30_000],
  ['a quota that is not spent', { ratelimit: '"default";r=1;t=30' }, null],
  ['the longest of those that are spent', { ratelimit: '"burst";r=0;t=5, "day";r=0;t=60, "month";r=7;t=900' }, 60_000],
  ['a partition key', { ratelimit: '"default";r=0;t=9;pk=:dHJpYWw=:' }, 9000],
  ['parameters in another order', { ratelimit: '"default";t=9;r=0' }, 9000],
  ['a name that looks like parameters', { ratelimit: '"a;r=0;t=99,\\"b";r=4;t=5' }, null],
  ['a remainder that begins with 0', { ratelimit: '"default";r=0.5;t=9' }, null],
  ['a quota without a time', { ratelimit: '"default";r=0' }, null],
  ['the policy alone', { 'ratelimit-policy': '"default";q=10;w=60' }, null],
  ['the headers of draft 6', { 'ratelimit-remaining': '0', 'ratelimit-reset': '8' }, 8000],
  ['the headers of draft 6 with a remainder', { 'ratelimit-remaining': '3', 'ratelimit-reset': '8' }, null],
  ['Retry-After before RateLimit', { 'retry-after': '1', ratelimit: '"default";r=0;t=30' }, 1000],
  ['RateLimit in place of a Retry-After that is none', { 'retry-after': '?', ratelimit: '"default";r=0;t=30' }, 30_000],
];

for (const [what, headers, waitMs] of cases) {
  test(`the wait is read from ${what}`, () => {
    assert.equal(
      waitAskedBy((name) => headers[name] ?? null, wallTime),
      waitMs,
    );
  });
}
