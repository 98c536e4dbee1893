import assert from 'node:assert/strict';
import { test } from 'node:test';
import { wordsText } from './words-text.ts';

const places: readonly (readonly [what: string, position: string, place: string])[] = [
  ['Node: a function', 'Timeout.pay [as _onTimeout] (/app/lib/a.js:3:16)', 'lib/a.js:3'],
  ['Node: a module', 'file:///app/boom.mjs:1:7', 'boom.mjs:1'],
  ['Node: an error of syntax', '/app/server.js:3', 'server.js:3'],
  ['Python', 'connect (/app/db.py:3)', 'db.py:3'],
  ['Go', 'main.(*Shop).Pay (/app/main.go:25)', 'main.go:25'],
  ['Java', 'com.shop.Pool.open(Pool.java:12)', 'Pool.java:12'],
  ['Ruby', "/app/app.rb:7:in '<main>'", 'app.rb:7'],
  ['.NET', 'Shop.Pay() in /app/Shop.cs:line 5', 'Shop.cs:5'],
  ['Rust', 'src/main.rs:2:5', 'src/main.rs:2'],
  ['a file elsewhere', 'read (/srv/shared/a.js:3:16)', '/srv/shared/a.js:3'],
  ['a folder whose name begins in the same way', 'read (/app-old/a.js:3:16)', '/app-old/a.js:3'],
];

for (const [what, position, place] of places)
  test(`where an error arose, relative to the directory: ${what}`, () =>
    assert.equal(wordsText({ error: 'Error: x', cause: null, position }, '/app'), `"Error: x" (${place})`));

test('a place that the line has is not said twice', () =>
  assert.equal(
    wordsText({ error: 'Uncaught Error: x in /app/a.php:3', cause: null, position: 'f (/app/a.php:3)' }, '/'),
    '"Uncaught Error: x in /app/a.php:3"',
  ));

const logged: readonly (readonly [line: string, said: string])[] = [
  [
    '{"level":60,"msg":"start failed","err":{"type":"Error","message":"no bucket","stack":"Error: no bucket\\n    at start (/app/s3.js:12:9)"}}',
    '"start failed: no bucket" (s3.js:12)',
  ],
  ['{"level":"error","message":"no database","error":"dial tcp: refused"}', '"no database: dial tcp: refused"'],
  ['{"level":50,"err":null,"msg":"no bucket"}', '"no bucket"'],
  ['{"level":50,"msg":"same","err":{"message":"same"}}', '"same"'],
  ['{"level":50,"reason":"no bucket"}', '"{"level":50,"reason":"no bucket"}"'],
  ['{"level":50,"msg":"cut …', '"{"level":50,"msg":"cut …"'],
];

for (const [line, said] of logged)
  test(`of a line in JSON the message is said: ${line.slice(0, 60)}`, () =>
    assert.equal(wordsText({ error: line }, '/app'), said));

test('a cause stands behind the error', () =>
  assert.equal(
    wordsText({ error: 'Error: x', cause: 'Error: y', position: 'A.b(C.java:1)' }, '/app'),
    '"Error: x", caused by "Error: y" (C.java:1)',
  ));

for (const position of ['A.b(Native Method)', '[eval]:1:34', 'f (<stdin>:3)'])
  test(`a position without a file or a line says nothing: ${position}`, () =>
    assert.equal(wordsText({ error: 'Error: x', cause: null, position }, '/app'), '"Error: x"'));
