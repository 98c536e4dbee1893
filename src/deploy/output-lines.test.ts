import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from '../../test/properties.ts';
import { harmless, OutputLineReader, lineBytesMax, linesMax, OutputTail } from './output-lines.ts';

function linesOf(...chunks: readonly (string | Uint8Array)[]): string[] {
  const lines: string[] = [];
  const reader = new OutputLineReader((line) => lines.push(line));
  for (const chunk of chunks) reader.read(Buffer.from(chunk));
  reader.end();
  return lines;
}

const made: readonly (readonly [says: string, chunks: readonly (string | Uint8Array)[], lines: readonly string[]])[] = [
  ['lines end with LF or CR LF', ['one\ntwo\r\n\nfour\n'], ['one', 'two', '', 'four']],
  [
    'a line may come in pieces, a character too',
    [Buffer.from('gr\u00fcn').subarray(0, 3), Buffer.from('gr\u00fcn').subarray(3)],
    ['grün'],
  ],
  ['the last line needs no LF', ['a\nb'], ['a', 'b']],
  ['bytes that are no UTF-8 are replaced', [Uint8Array.of(0x61, 0xff, 0xfe, 0x62)], ['a\ufffd\ufffdb']],
  ['colours and titles are removed', ['\u001b[31;1mred\u001b[0m \u001b]0;title\u0007done'], ['red done']],
  ['other control characters are shown', ['a\u0000b\u0007c\u001b\u007f\td\re'], ['a␀b␇c␛␡\td␍e']],
  ['what turns the direction of text is replaced', ['a\u202eb\u2066c'], ['a\ufffdb\ufffdc']],
];

for (const [says, chunks, lines] of made) {
  test(says, () => assert.deepEqual(linesOf(...chunks), lines));
}

test('a line of any length takes no more memory than its limit, and says what was left out', () => {
  const lines = linesOf('x'.repeat(lineBytesMax), 'y'.repeat(10_000), '\nnext\n');
  assert.deepEqual(lines, [`${'x'.repeat(lineBytesMax)} … (10000 more bytes)`, 'next']);
});

test('the last 200 lines are kept', () => {
  const tail = new OutputTail();
  for (let number = 1; number <= 1_000; number++) tail.add(`line ${number}`);
  assert.equal(tail.lines.length, linesMax);
  assert.deepEqual([tail.lines[0], tail.words?.error], ['line 801', 'line 1000']);
});

const tellings: readonly (readonly [what: string, lines: readonly string[], telling: string | null])[] = [
  ['nothing', [], null],
  ['blank lines', ['', '  '], null],
  [
    'a crash of Node',
    ['Error: no database', '    at main (server.js:1:1) {', "  code: 'X'", '}', '', 'Node.js v26.10.0'],
    'Error: no database',
  ],
  [
    'Node without memory',
    [
      'listening on 3000',
      '<--- Last few GCs --->',
      '[7:0x1] 120 ms: Mark-Compact 249.9 (258.0) -> 249.8 (258.0) MB, allocation failure',
      'FATAL ERROR: Ineffective mark-compacts near heap limit Allocation failed - JavaScript heap out of memory',
      '----- Native stack trace -----',
      ' 1: 0xe3ae9b node::OOMErrorHandler(char const*, v8::OOMDetails const&) [node]',
      '14: 0x1ae5a76 [node]',
    ],
    'FATAL ERROR: Ineffective mark-compacts near heap limit Allocation failed - JavaScript heap out of memory',
  ],
  [
    'a panic of Go',
    [
      'panic: assignment to entry in nil map',
      '',
      'goroutine 1 [running]:',
      'main.main()',
      '\t/app/main.go:5 +0x2e',
      'exit status 2',
    ],
    'panic: assignment to entry in nil map',
  ],
  [
    'a panic of Rust',
    [
      "thread 'main' panicked at src/main.rs:2:5:",
      'no database',
      'note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace',
    ],
    'no database',
  ],
  [
    'a traceback of Python',
    ['Traceback (most recent call last):', '  File "app.py", line 1', 'ValueError: bad port'],
    'ValueError: bad port',
  ],
  ['a plain last line', ['starting', 'goodbye'], 'goodbye'],
  ['only indented lines', ['  a', '  b', ''], '  b'],
];

for (const [what, lines, telling] of tellings) {
  test(`the line that explains an exit: ${what}`, () => {
    const tail = new OutputTail();
    for (const line of lines) tail.add(line);
    assert.equal(tail.words?.error ?? null, telling);
  });
}

test('however bytes are cut into chunks, the lines are the same', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.array(fc.nat(200), { maxLength: 8 }), (bytes, cuts) => {
      const places = [0, ...cuts.filter((cut) => cut < bytes.length).sort((a, b) => a - b), bytes.length];
      const chunks = places.slice(1).map((end, index) => bytes.subarray(places[index], end));
      assert.deepEqual(linesOf(...chunks), linesOf(bytes));
    }),
    { numRuns: 200 },
  );
});

test('no output can control a terminal that shows it', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      // biome-ignore lint/suspicious/noControlCharactersInRegex: it is what must not be there.
      assert.doesNotMatch(harmless(Buffer.from(bytes).toString('utf8')), /[\u0000-\u0008\u000a-\u001f\u007f-\u009f]/);
    }),
  );
});
