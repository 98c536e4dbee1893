import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ExchangeCount } from '../core/counters.ts';
import { isFailedCount } from './exchange-figures.ts';
import { sampleCount } from './sample-count.test-support.ts';

describe('an error of status, charts and objectives', () => {
  const cases: readonly [what: string, counted: Partial<ExchangeCount>, isError: boolean][] = [
    ['a success', {}, false],
    ['a 5xx of the application', { statusClass: '5xx', shape: 'app_error' }, true],
    ['a truncated response', { end: 'truncated', shape: 'reset', cause: 'response_chunked_truncated' }, true],
    ['a client that left', { end: 'truncated', shape: 'client_abort', cause: 'client_gone' }, false],
    [
      'a request whose version or method the gateway refuses',
      { statusClass: '5xx', end: 'generated', shape: 'refused_by_gateway', cause: 'request_refused' },
      false,
    ],
    [
      'a request that names too many gateways',
      { statusClass: '5xx', end: 'generated', shape: 'refused_by_gateway', cause: 'hops_exceeded', whose: 'client' },
      false,
    ],
    ['a maintenance', { statusClass: '5xx', end: 'generated', cause: 'maintenance' }, false],
    ['a gRPC call that succeeded', { grpcStatus: '0' }, false],
    ['a gRPC call for what is not there', { grpcStatus: '5' }, false],
    ['a gRPC call that the application calls INTERNAL', { grpcStatus: '13' }, true],
    ['a gRPC call without a status', { grpcStatus: 'missing' }, true],
    ['a gRPC call with a status that no standard has', { grpcStatus: 'other' }, false],
    [
      'a gRPC call that the gateway answered in place of the application',
      { grpcStatus: '14', end: 'generated', shape: 'unreachable', cause: 'connect_refused' },
      true,
    ],
    [
      'a gRPC call without a route',
      { grpcStatus: '12', end: 'generated', shape: 'refused_by_gateway', cause: 'no_route' },
      false,
    ],
    [
      'a gRPC call that is not HTTP',
      { grpcStatus: '13', end: 'generated', shape: 'refused_by_gateway', cause: 'request_refused' },
      false,
    ],
    [
      'a gRPC call that a maintenance refuses',
      { grpcStatus: '14', end: 'generated', shape: 'refused_by_gateway', cause: 'maintenance' },
      false,
    ],
    ['a gRPC call whose client left', { grpcStatus: 'missing', end: 'abandoned', shape: 'client_abort' }, false],
  ];
  for (const [what, counted, isError] of cases)
    test(`${what} is ${isError ? 'one' : 'none'}`, () => {
      assert.equal(isFailedCount(sampleCount(counted)), isError);
    });
});
