import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from '../../test/properties.ts';
import { unicodeText } from '../../test/unicode-text.ts';
import { type AnswerForm, answerForms, negotiateForm } from './generate.ts';

const preferences: readonly [who: string, accept: string | null, form: AnswerForm][] = [
  ['a client that says nothing', null, 'problem'],
  ['a client that says nothing in so many words', '', 'problem'],
  ['curl', '*/*', 'problem'],
  ['a browser', 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8', 'html'],
  ['axios', 'application/json, text/plain, */*', 'problem'],
  ['an API client', 'application/json', 'problem'],
  ['an API client that knows RFC 9457', 'application/problem+json', 'problem'],
  ['an image element', 'image/avif,image/webp,image/png,*/*;q=0.8', 'problem'],
  ['a client that only takes images', 'image/png', 'text'],
  ['an event source', 'text/event-stream', 'text'],
  ['w3m', 'text/html, text/*;q=0.5, image/*', 'html'],
  ['somebody who prefers text', 'text/html;q=0.3, text/plain;q=0.9', 'text'],
  ['somebody who refuses JSON', 'application/problem+json;q=0, application/json;q=0, */*', 'html'],
  ['the more specific range wins', 'text/*;q=0.2, text/html;q=0.9, application/*;q=0.5', 'html'],
  ['case does not matter', 'TEXT/HTML;Q=1', 'html'],
  ['parameters other than q are passed over', 'text/html;level=1;charset=utf-8', 'html'],
  ['a range that cannot be read is passed over', 'html;;;, text/plain', 'text'],
  ['a weight that cannot be read takes its range with it', 'text/html;q=2, text/plain;q=0.1', 'text'],
  ['more ranges than are read', `${'image/png,'.repeat(40)}text/html`, 'text'],
];

describe('negotiateForm', () => {
  for (const [who, accept, form] of preferences) {
    it(`gives ${form}: ${who}`, () => assert.equal(negotiateForm(accept), form));
  }

  it('never throws, and always gives one of the forms', () => {
    const piece = fc.constantFrom(
      'text',
      '/',
      '*',
      'html',
      ';q=',
      '0.5',
      ',',
      ' ',
      '1',
      '\u0000',
      'application/json',
      ';',
      '"',
      '=',
    );
    const soup = fc.array(piece, { maxLength: 40 }).map((pieces) => pieces.join(''));
    fc.assert(
      fc.property(fc.oneof(soup, unicodeText()), (accept) => {
        assert.ok(answerForms.includes(negotiateForm(accept)));
      }),
      { numRuns: 300 },
    );
  });
});
