import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from '../../test/properties.ts';
import type { Guess } from '#failures/failure.ts';
import { guessBytes } from './guess-bytes.ts';

const cases: readonly (readonly [bytes: string, guess: Guess])[] = [
  ['', 'nothing'],
  ['SSH-2.0-OpenSSH_9.2p1\r\n', 'ssh'],
  ['SSH is a protocol', 'text'],
  ['\x15\x03\x01\x00\x02\x02F', 'tls'],
  ['\x16\x03\x03', 'tls'],
  ['\x00\x00\x12\x04\x00\x00\x00\x00\x00', 'http2'],
  ['<!doctype html><p>', 'html'],
  ['\n <HTML>', 'html'],
  ['<?xml version="1.0"?>', 'html'],
  ['<p>hello', 'html'],
  ['{"a": 1}', 'json'],
  ['[1, 2]', 'json'],
  ['[2026-11-21] started', 'json'],
  ['{}', 'json'],
  ['{hello}', 'text'],
  ['Traceback (most recent call last):\n', 'stack_trace'],
  ['TypeError: x is not a function\n    at f (a.js:1:1)\n', 'stack_trace'],
  ['Exception in thread "main" java.lang.Error\n', 'stack_trace'],
  ['panic: runtime error\n', 'stack_trace'],
  ['PHP Fatal error: x', 'stack_trace'],
  ['220 mail ESMTP\r\n', 'text'],
  ['caf\xc3\xa9', 'text'],
  ['\0\x01\x02', 'binary'],
  ['text and then \0', 'binary'],
];

for (const [text, guess] of cases) {
  test(`${JSON.stringify(text)} looks like ${guess}`, () =>
    assert.equal(guessBytes(Buffer.from(text, 'latin1')), guess));
}

test('any bytes look like something', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 700 }), (bytes) => assert.equal(typeof guessBytes(bytes), 'string')),
  );
});
