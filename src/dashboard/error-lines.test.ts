import assert from 'node:assert/strict';
import { test } from 'node:test';
import { errorsByLine } from './error-lines.ts';

test('errors are shown at the lines that they name', () => {
  const errors = [
    'candor.yaml:3:5: there is no upstream shpo (did you mean shop?)',
    '/etc/shop:2:1/candor.yaml:3:9: unknown key "a: b"',
    'candor.yaml:12:1: the file is empty',
    'listener http cannot listen at 127.0.0.1:80',
    'candor.yaml: there is no file',
  ];
  assert.deepEqual(
    [...errorsByLine(errors)],
    [
      [3, ['there is no upstream shpo (did you mean shop?)', 'unknown key "a: b"']],
      [12, ['the file is empty']],
    ],
  );
});
