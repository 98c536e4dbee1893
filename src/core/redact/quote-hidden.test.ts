import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { quoteHidden } from './quote-hidden.ts';

describe('a configuration that an earlier version hid values in has quotes around them', () => {
  const cases: readonly (readonly [what: string, text: string, quoted: string])[] = [
    ['a value of any width', 'a: ***\nb: **\nc: *\n', 'a: "***"\nb: "***"\nc: "***"\n'],
    ['in brackets', '{ a: **, b: [***, *], c: *** }', '{ a: "***", b: ["***", "***"], c: "***" }'],
    ['before a comment', 'a: *** # mine\n- ***\n', 'a: "***" # mine\n- "***"\n'],
    ['with an anchor', 'a: &d ***\n', 'a: &d "***"\n'],
    ['of several lines', 'a:\n  b: *\n    ***\n\n    ***\n  c: 1\n', 'a:\n  b: "***"\n\n\n\n  c: 1\n'],
    ['with line ends of Windows', 'a: **\r\nb: 1\r\n', 'a: "***"\r\nb: 1\r\n'],
  ];
  for (const [what, text, expected] of cases)
    test(what, () => {
      assert.equal(quoteHidden(text), expected);
      assert.equal(quoteHidden(expected), expected);
    });
});

describe('other asterisks stay', () => {
  const texts: readonly string[] = [
    'origins: "*"\nhost: "*.example.org"\nname: \'**\'\n',
    'a: &d x\nb: *d\n',
    'a: "http://***@b:1"\n',
    'body: |\n  a: ***\n  - *\n\n  * one\nb: >-  # text\n  ***\n',
    '- body: |2\n    a: ***\n  c: 1\n',
    '# a *** b\n',
  ];
  for (const text of texts) test(text.slice(0, 30), () => assert.equal(quoteHidden(text), text));
});
