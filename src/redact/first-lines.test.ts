import assert from 'node:assert/strict';
import { test } from 'node:test';
import { firstLines } from './first-lines.ts';
import { TextRedactor } from './text-redactor.ts';

const linesOf = (body: string, isCut?: boolean) => firstLines(body, new TextRedactor(), isCut);

test('shows the first three lines with text, without what a terminal does not show', () => {
  assert.deepEqual(linesOf('\r\n\u001b[31mError: no\u202epool\r\n\n  at Pool.get (db.js:4)\nthird\nfourth'), [
    'Error: no pool',
    'at Pool.get (db.js:4)',
    'third',
  ]);
});

test('shows the text of an error page, and neither its style nor its tags', () => {
  const page = `<!DOCTYPE html><html><head><title>Error</title><style>pre { color: red }</style></head>
<body><pre>TypeError: Cannot read &#39;id&#39; of undefined<br> &nbsp; &nbsp;at /srv/cart.js:7:3</pre></body></html>`;
  assert.deepEqual(linesOf(page), ['Error', "TypeError: Cannot read 'id' of undefined", 'at /srv/cart.js:7:3']);
  assert.deepEqual(linesOf('<html><head><style>a { color: re'), []);
});

test('hides secrets, also in markup, in the lines below their names and where the text is cut', () => {
  for (const body of [
    '{"error":"login failed","password":"hunter2secret"}',
    'connect postgres://app:hunter2secret@db:5432/shop failed',
    '<html><p>password=<b></b>hunter2secret</p></html>',
    'password:\n  hunter2secret\n',
    '\u001b[32mpassword\u001b[0m=hunter2secret',
    '"\u001b[34mtoken\u001b[0m": "\u001b[32mhunter2secret\u001b[0m"',
    'Pass\u001b[0mword=hunter2secret',
    'pass\u00adword=hunter2secret, to\u200bken=hunter2secret',
    '\u001b]8;;http://a.example\u001b\\password\u001b]8;;\u001b\\=hunter2secret',
  ])
    assert.doesNotMatch(linesOf(body).join('\n'), /hunter2/, body);
  assert.deepEqual(linesOf('key AKIAhunter2', true), ['key']);
});

test('is bounded to 300 characters, and shows nothing of what is no text', () => {
  const shown = linesOf(`${'a b '.repeat(60)}\n${'c d '.repeat(60)}\nlast`);
  assert.ok(shown.join('').length <= 300, `${shown.join('').length}`);
  assert.match(shown.at(-1) ?? '', /…$/);
  assert.deepEqual(linesOf('PK\u0003\0\0\0'), []);
});
