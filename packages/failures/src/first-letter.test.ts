import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sentenceOf } from './first-letter.ts';

test('a clause becomes a sentence, with one full stop', () => {
  assert.equal(sentenceOf('hardly any descriptor was left'), 'Hardly any descriptor was left.');
  assert.equal(sentenceOf('the disk is full.'), 'The disk is full.');
  assert.equal(sentenceOf('out of memory?'), 'Out of memory?');
});
