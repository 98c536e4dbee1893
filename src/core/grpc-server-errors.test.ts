import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ownErrorText } from './grpc-server-errors.ts';

const texts: readonly (readonly [status: number | null, grpcStatus: number | null, text: string])[] = [
  [500, null, '500'],
  [null, null, '5xx'],
  [503, 14, '503'],
  [200, 14, '200 with the gRPC status 14 (UNAVAILABLE)'],
  [200, -1, '200 without a gRPC status'],
  [200, 5, '200'],
];
for (const [status, grpcStatus, text] of texts)
  test(`an error of the application's own with status ${status} and gRPC status ${grpcStatus} is told as: ${text}`, () =>
    assert.equal(ownErrorText(status, grpcStatus), text));
