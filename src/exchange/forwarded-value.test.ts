import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { headerFilter } from '../core/header-names.ts';
import { HeadStorage } from '../wire/head-storage.ts';
import { RequestHeadParser } from '../wire/request-head.ts';
import { requestLimits } from '../wire/request-limits.test-support.ts';
import { forwardedValue } from './forwarded-value.ts';

describe('the value of a header as the application gets it', () => {
  for (const [what, lines, dropped, value] of [
    ['is the value of the only line', ['Idempotency-Key:  a '], [], 'a'],
    ['has the values of all lines', ['Idempotency-Key: a', 'X: 1', 'idempotency-key: b'], [], 'a, b'],
    ['is none without a line', ['X: 1'], [], null],
    ['is none if Connection nominates it', ['Idempotency-Key: a', 'Connection: Idempotency-Key'], [], null],
    [
      'is none if Connection nominated it before',
      ['Connection: close, idempotency-KEY', 'Idempotency-Key: a'],
      [],
      null,
    ],
    ['is none if the route removes it', ['Idempotency-Key: a'], ['Idempotency-Key'], null],
    ['is none if the name is another one', ['Idempotency_Key: a', 'Idempotency-Key2: b'], [], null],
  ] as const) {
    test(what, () => {
      const bytes = Buffer.from(['POST / HTTP/1.1', 'Host: a', ...lines, '', ''].join('\r\n'), 'latin1');
      const parser = new RequestHeadParser(requestLimits, new HeadStorage());
      parser.push(bytes, 0, bytes.length);
      assert.ok(parser.head !== null);
      assert.equal(forwardedValue(parser.head.headers, 'idempotency-key', headerFilter(dropped)), value);
    });
  }
});
