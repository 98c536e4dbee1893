import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type OverlayRequestKind, readOverlayRequest } from './overlay-request.ts';

const errorsOf = (kind: OverlayRequestKind, body: unknown): readonly string[] => {
  const read = readOverlayRequest(kind, body);
  return read.ok ? [] : read.errors;
};

test('a text that is too long is refused with its length and its limit', () => {
  assert.deepEqual(errorsOf('eject', { endpoint: 'app/1', reason: 'x'.repeat(1025) }), [
    'reason: it has 1025 characters, and may have at most 1024.',
  ]);
  assert.deepEqual(errorsOf('maintenance', { message: 'x'.repeat(5000) }), [
    'message: it has 5000 characters, and may have at most 4096.',
  ]);
});

test('a reason with a control character is refused', () => {
  assert.deepEqual(errorsOf('eject', { endpoint: 'app/1', reason: 'disk\u001b[2J' }), [
    'reason: it has the control character U+001B, and must be one line without any.',
  ]);
  assert.deepEqual(errorsOf('eject', { endpoint: 'app/1', reason: ' the disk is full: 👩‍💻 looks at it ' }), []);
});

test('a key that is not known is refused with the nearest', () => {
  assert.match(errorsOf('eject', { endpoint: 'app/1', reasons: 'x' }).join(), /"reasons" is unknown: .*reason/);
});
