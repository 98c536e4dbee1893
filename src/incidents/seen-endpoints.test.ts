import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Cause } from '#failures/failure.ts';
import { SeenEndpoints } from './seen-endpoints.ts';
import type { WatchedUpstream } from './watched-upstream.ts';

type Watched = WatchedUpstream['endpoints'][number];

const one = (
  state: string,
  reason: string,
  checkCause: Cause | null = null,
  advice: string | null = null,
): Watched => ({
  ...{ id: 'app/1', name: null, state, reason, checkCause, advice },
});
const well = one('healthy', 'answered 200');
const refused = one('unhealthy', 'connect refused', 'connect_refused');
const answers503 = one('unhealthy', 'answered 503');

describe('what was seen of an endpoint stays known', () => {
  const cases: readonly (readonly [name: string, seen: readonly Watched[], reason: string, cause: Cause | null])[] = [
    ['never unhealthy', [well, well], 'answered 200', null],
    ['unhealthy now', [well, answers503], 'answered 503', null],
    ['healthy again', [answers503, well], 'answered 503; later: answered 200', null],
    ['refused, then an answer', [refused, answers503], 'connect refused; later: answered 503', 'connect_refused'],
    ['an answer, then refused', [answers503, refused], 'connect refused', 'connect_refused'],
  ];
  for (const [name, seen, reason, cause] of cases)
    test(name, () => {
      const memory = new SeenEndpoints();
      const [last] = seen.map((endpoint) => memory.see({ application: null, endpoints: [endpoint] })).slice(-1);
      assert.deepEqual(
        last?.endpoints.map((endpoint) => [endpoint.reason, endpoint.checkCause]),
        [[reason, cause]],
      );
    });

  test('when it was removed, and its application with it', () => {
    const memory = new SeenEndpoints();
    memory.see({ application: 'web', endpoints: [refused] });
    const removed = { ...refused, isRemoved: true };
    assert.deepEqual(memory.see({ application: null, endpoints: [] }), { application: 'web', endpoints: [removed] });
  });

  test('as is what its health document said', () => {
    const memory = new SeenEndpoints();
    memory.see({ application: null, endpoints: [one('healthy', 'answered 200', null, 'the disk is full')] });
    assert.equal(memory.see({ application: null, endpoints: [well] }).endpoints[0]?.advice, 'the disk is full');
  });
});
