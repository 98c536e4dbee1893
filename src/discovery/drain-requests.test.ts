import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import type { EndpointId, EndpointState, UpstreamId } from '../core/endpoint.ts';
import type { EndpointSnapshot } from '../core/snapshot.ts';
import { SimulatedClock } from '../testing/testing.ts';
import { DrainRequests } from './drain-requests.ts';

const upstream = 'app' as UpstreamId;
const id = 'app/a' as EndpointId;

let clock: SimulatedClock;
let checksReceive: boolean;
let requests: DrainRequests;
const reasons: string[] = [];

beforeEach(() => {
  clock = new SimulatedClock();
  reasons.length = 0;
  requests = new DrainRequests({
    clock,
    events: { emit: ({ reason }) => void reasons.push(reason) },
    endpoints: () => new Map([[id, endpoint]]),
    checksReceive: () => checksReceive,
    onChange: () => {},
  });
});

const endpoint: EndpointSnapshot = {
  ...{ id, address: { kind: 'tcp', host: 'a', port: 80 }, state: 'healthy', reason: '', sinceInstant: 0 },
  ...{ checks: null, release: null, exit: null },
};

const state = (): EndpointState | undefined => requests.adjust([endpoint])[0]?.state;

describe('an endpoint whose response says that it wants no new requests', () => {
  test('gets none for half a minute where no check asks it', async () => {
    checksReceive = false;
    requests.onResponse(upstream, id);
    requests.onChecked(upstream, id, undefined, false);
    await clock.advance(29_000);
    assert.equal(state(), 'draining');
    await clock.advance(1000);
    assert.equal(state(), 'healthy');
  });

  for (const receives of [false, true])
    test(`gets some as soon as another program listens there, ${receives ? 'whose document says so' : 'if no check asks it'}`, () => {
      checksReceive = receives;
      requests.onResponse(upstream, id);
      requests.onChecked(upstream, id, undefined, true);
      assert.equal(state(), 'draining', 'a check was refused');
      requests.onChecked(upstream, id, receives ? null : undefined, false);
      assert.equal(state(), 'healthy');
      assert.match(reasons.at(-1) ?? '', receives ? /wants requests again/ : /the program that said so has ended/);
    });
});
