import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { countedMethods } from '../core/attempt-counts.ts';
import type { ExchangeCount } from '../core/counters.ts';
import { traitKey, traitsOf } from '../core/request-traits.ts';
import type { Instant } from '../core/time.ts';
import { sampleCount } from '../record/sample-count.test-support.ts';
import { sampleAttempt, sampleExchange } from '../record/sample-exchange.test-support.ts';
import { SeededRandom } from '../testing/seeded-random.ts';
import { ComparedRequests, type RequestSplit, splitEvidence } from './compared-requests.ts';
import { incidentOf, ranking } from './ranking.test-support.ts';

interface Request {
  readonly method: string;
  readonly body: number;
  readonly head: number;
  readonly version: 'HTTP/1.1' | 'HTTP/2';
  readonly reused: boolean;
}

const keyOf = ({ method, body, head, version, reused }: Request): number =>
  traitKey(
    sampleExchange({
      ...{ method, version, announcedBytes: body, headBytes: head, attempts: [sampleAttempt({ reused })] },
      ...{ startedAt: 0 as Instant, endedAt: 20 as Instant },
    }),
  );

const failed: Partial<ExchangeCount> = { shape: 'app_error', statusClass: '5xx' };
const left: Partial<ExchangeCount> = { shape: 'client_abort', statusClass: 'none', end: 'abandoned' };

/** A minute of requests of many kinds, some of which fail. */
function split(
  isBad: (request: Request, drawn: number) => boolean,
  how = failed,
  root: Parameters<ComparedRequests['split']>[0] = 'application',
): RequestSplit | null {
  const random = new SeededRandom(3);
  const compared = new ComparedRequests();
  for (let number = 0; number < 1200; number++) {
    const method = random.next() < 0.3 ? 'POST' : 'GET';
    const request: Request = {
      ...{ method, body: method === 'GET' ? 0 : random.next() < 0.1 ? 2_000_000 : 900 },
      head: random.next() < 0.1 ? 9000 : 400,
      version: random.next() < 0.4 ? 'HTTP/2' : 'HTTP/1.1',
      reused: random.next() < 0.8,
    };
    const changes = isBad(request, random.next()) ? how : {};
    const counted = sampleCount({ route: 'upload', count: 1, traits: [keyOf(request), 1], ...changes });
    compared.add(counted, Math.floor(number / 20));
  }
  return compared.split(root, ['upload'], 0);
}

describe('the trait that explains which requests fail is found', () => {
  const cases: readonly (readonly [which: string, isBad: (request: Request, drawn: number) => boolean])[] = [
    ['with POST', ({ method }, drawn) => method === 'POST' && drawn < 0.6],
    ['whose body has 1.8 MiB or more', ({ body }) => body > 1e6],
    ['whose headers have 8 KiB or more', ({ head }) => head > 8000],
    ['over HTTP/2', ({ version }, drawn) => version === 'HTTP/2' && drawn < 0.5],
    ['on connections that had served others', ({ reused }, drawn) => reused && drawn < 0.3],
    ['on new connections to the application', ({ reused }) => !reused],
  ];
  for (const [which, isBad] of cases) test(which, () => assert.equal(split(isBad)?.which, which));

  test('where clients leave, too', () => {
    assert.equal(split(({ body }) => body > 1e6, left, 'slower')?.which, 'whose body has 1.8 MiB or more');
  });
});

test('nothing tells requests apart that fail by chance, whatever they are', () => {
  for (const share of [0.02, 0.2, 0.9, 1])
    assert.equal(
      split((_, drawn) => drawn < share),
      null,
      String(share),
    );
});

test('the first suspect says which requests fail, with the counts of both', () => {
  const found = split(({ body }) => body > 1e6);
  assert.ok(found !== null);
  assert.match(
    splitEvidence(found),
    /^all (\d+) requests that failed were requests whose body has 1\.8 MiB or more \(\1 of \1 of these failed\); of the 1\d\d\d others on the same routes none failed$/,
  );
  const [first] = ranking(incidentOf('application', [['app_error', 30]]), { split: found });
  assert.match(
    first?.sentence ?? '',
    /^The application itself answers .*, for requests whose body has 1\.8 MiB or more alone\.$/,
  );
  assert.equal(first?.evidence[0], splitEvidence(found));
});

test('of many routes no more kinds of requests are kept than of some', () => {
  const compared = new ComparedRequests();
  for (let number = 0; number < 20; number++)
    for (let key = 0; key < 2000; key++) {
      const how = traitsOf(key).version === 1 ? failed : {};
      compared.add(sampleCount({ route: `shop-${number}`, count: 1, traits: [key, 1], ...how }), 1);
    }
  const { which, requests, others } = compared.split('application', [], 0) ?? { which: '', requests: 0, others: 0 };
  assert.deepEqual([which, requests + others], ['over HTTP/2', 8000]);
});

test('methods have names', () => assert.ok(countedMethods.length < 16));
