import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { PairHeaders } from '../core/pair-headers.ts';
import { isStream } from './is-stream.ts';

describe('isStream', () => {
  const told: readonly [type: string, stream: boolean][] = [
    ['text/event-stream', true],
    ['Text/Event-Stream ; charset=utf-8', true],
    ['application/grpc', true],
    ['application/grpc+json', true],
    ['application/grpc-web-text+proto', true],
    ['application/connect+json', true],
    ['multipart/x-mixed-replace; boundary=x', true],
    ['application/x-ndjson', true],
    ['application/ndjson', true],
    ['application/jsonl', true],
    ['application/json-seq', true],
    ['application/stream+json;charset=utf-8', true],
    ['application/json', false],
    ['application/grpcish', false],
    ['text/html; was=text/event-stream', false],
    ['text/event-streams', false],
  ];
  for (const [type, stream] of told) {
    it(`says ${stream ? 'yes' : 'no'} to ${type}`, () => {
      assert.equal(isStream(new PairHeaders([['content-type', type]])), stream);
    });
  }

  it('takes the word of an application that wants nothing held back', () => {
    assert.equal(isStream(new PairHeaders([['x-accel-buffering', ' No ']])), true);
    assert.equal(isStream(new PairHeaders([['x-accel-buffering', 'yes']])), false);
    assert.equal(isStream(new PairHeaders([])), false);
  });
});
