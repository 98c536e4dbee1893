import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { EndpointId, UpstreamId } from '../core/endpoint.ts';
import { fail } from '#failures/failure.ts';
import type { EndpointSnapshot } from '../core/snapshot.ts';
import { EndpointDeltas } from './endpoint-deltas.ts';

const app = 'app' as UpstreamId;

function endpoint(name: string, changes: Partial<EndpointSnapshot> = {}): EndpointSnapshot {
  return {
    id: `app/${name}` as EndpointId,
    address: { kind: 'tcp', host: name, port: 80 },
    state: 'unhealthy',
    semaphores: { index: 3, generation: 0 },
    reason: 'answered 500',
    sinceInstant: 1,
    checks: { nextInstant: 5, everyMs: 5000, passesNeeded: 2 },
    release: null,
    exit: null,
    ...changes,
  };
}

const exit = { atInstant: 1, code: 1, signal: null, outOfMemory: false, lastLine: null };
const refused = fail('connect_refused', 'connect', { address: 'a:80' });

const news: readonly [what: string, changes: Partial<EndpointSnapshot>][] = [
  ['another state', { state: 'healthy' }],
  ['the same state again', { sinceInstant: 2 }],
  ['another reason', { reason: 'answered 502' }],
  ['another cause', { checkCause: 'connect_refused' }],
  ['a failure', { failure: refused }],
  ['that fewer checks are needed', { checks: { nextInstant: 5, everyMs: 5000, passesNeeded: 1 } }],
  ['that it is not checked any more', { checks: null }],
  ['other cells', { semaphores: { index: 4, generation: 0 } }],
  ['the same cells, given anew', { semaphores: { index: 3, generation: 1 } }],
  ['another way', { secondAddress: '::1' }],
  ['that its address is old', { addressStale: true }],
  ['another weight', { weight: 5 }],
  ['another zone', { zone: 'north' }],
  ['another priority', { priority: 1 }],
  ['another release', { release: 'v2' }],
  ['its end', { exit }],
  ['that a signal has stopped it', { stoppedPids: [7] }],
  ['another port', { address: { kind: 'tcp', host: 'a', port: 81 } }],
  ['a socket', { address: { kind: 'unix', path: '/run/a' } }],
  ['its name', { name: 'a.internal' }],
];

describe('the delta of an upstream', () => {
  for (const [what, changes] of news) {
    test(`is ${what}, of that endpoint alone`, () => {
      const told = new EndpointDeltas();
      told.all(app, [endpoint('a'), endpoint('b')]);
      const changed = endpoint('a', changes);
      assert.deepEqual(told.changesOf(app, [changed, endpoint('b')]), { whole: false, endpoints: [changed] });
      assert.equal(told.changesOf(app, [endpoint('a', changes), endpoint('b')]), null);
    });
  }

  const noNews: readonly [what: string, before: Partial<EndpointSnapshot>, after: Partial<EndpointSnapshot>][] = [
    ['when the next check is due', {}, { checks: { nextInstant: 9999, everyMs: 5000, passesNeeded: 2 } }],
    ['why a healthy one is', { state: 'healthy' }, { state: 'healthy', reason: 'answered 204' }],
  ];
  for (const [what, before, after] of noNews) {
    test(`is not ${what}`, () => {
      const told = new EndpointDeltas();
      told.all(app, [endpoint('a', before)]);
      assert.equal(told.changesOf(app, [endpoint('a', after)]), null);
    });
  }

  const wholes: readonly [what: string, names: readonly string[]][] = [
    ['come', ['a', 'b', 'c']],
    ['go', ['a']],
    ['are replaced', ['a', 'c']],
  ];
  for (const [what, names] of wholes) {
    test(`are all of them where some ${what}`, () => {
      const told = new EndpointDeltas();
      told.all(app, [endpoint('a'), endpoint('b')]);
      const endpoints = names.map((name) => endpoint(name));
      assert.deepEqual(told.changesOf(app, endpoints), { whole: true, endpoints });
    });
  }

  test('are all of them of an upstream that was gone', () => {
    const told = new EndpointDeltas();
    told.all(app, [endpoint('a')]);
    told.keepOnly([]);
    assert.equal(told.changesOf(app, [endpoint('a')])?.whole, true);
  });
});
