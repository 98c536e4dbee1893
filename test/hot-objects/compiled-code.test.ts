import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { runMain } from './run-main.ts';
import { readDeopts, readMegamorphic } from './v8-log.ts';

let log = '';
let warmAtUs = 0;

before(async () => {
  const folder = mkdtempSync(join(tmpdir(), 'candor-compiled-'));
  const file = join(folder, 'v8.log');
  const logging = ['--log-deopt', '--log-ic', '--log-code', '--no-logfile-per-isolate', `--logfile=${file}`];
  try {
    warmAtUs = Number(await runMain('compiled-code-main.ts', logging));
    log = readFileSync(file, 'latin1');
  } finally {
    rmSync(folder, { recursive: true });
  }
});

/**
 * V8 discards code that it compiled on an assumption that does not hold, and compiles it again, which takes some
 * milliseconds. V8 learns from it, so that a value of another kind may cost one deoptimization. A deoptimization that
 * recurs at the same position shows that V8 learns nothing there.
 */
const otherMax = 6;

/** Not counted among them, since they depend on when V8 compiles, which a busy machine delays: branches that were first taken later. */
const dependsOnTiming = 'Insufficient type feedback';

test('compiled code stays compiled: no function is deoptimized twice at one position in 20,000 exchanges', () => {
  const late = readDeopts(log).filter(({ atUs }) => atUs > warmAtUs);
  const lines = late.map(({ place, reason }) => `${place} ${reason}`);
  const places = late.map(({ place }) => place);
  const repeated = places.filter((place, index) => places.indexOf(place) < index);
  assert.deepEqual(repeated, [], lines.join('\n'));
  const other = late.filter(({ reason }) => !reason.includes(dependsOnTiming));
  assert.ok(other.length <= otherMax, lines.join('\n'));
});

/**
 * Strings have hidden classes too, by their origin (read, concatenated, sliced, internalized), and code that handles
 * all kinds of text meets more than four. For a length that costs one lookup a text. For `charCodeAt` it would cost one
 * lookup a character, which makes a loop five times as slow: such loops use `charCodeAt.call`.
 */
const lengthsOfTexts = ['src/core/copy-bytes.ts', 'src/record/json-text.ts', 'src/wire/byte-writer.ts'];

/** Only failures, parts of lines that are cached from then on, and the start reach this code. */
const rare = [
  ...['packages/failures/src/failure-texts.ts ', 'src/core/record-defaults.ts '],
  ...[
    'src/record/exchange-record.ts ',
    'src/record/line-members.ts ',
    'src/transport/stream-handle.ts ',
    'src/worker/feature-parts.ts ',
  ],
];

test('V8 caches the position of each property on the path of a successful exchange', () => {
  assert.match(log, /^LoadIC,.*,N,/m, 'the log has the expected lines');
  const lookups = readMegamorphic(log).filter((place) => !rare.some((file) => place.startsWith(file)));
  const allowed = lengthsOfTexts.map((file) => `${file} .length`);
  assert.deepEqual(
    lookups.filter((place) => !allowed.includes(place)),
    [],
  );
});
