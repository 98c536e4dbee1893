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
 * What V8 has compiled on assumptions is thrown away where one does not hold, and compiled anew: some milliseconds each time.
 * It learns by that, so that a branch which is rare may cost one; whatever comes back at the same place learns nothing.
 */
const oncesMax = 6;

test('what is compiled stays compiled: no function is thrown away twice at one place in 20,000 exchanges', () => {
  const late = readDeopts(log).filter(({ atUs }) => atUs > warmAtUs);
  const told = late.map(({ place, reason }) => `${place} ${reason}`);
  const places = late.map(({ place }) => place);
  const again = places.filter((place, index) => places.indexOf(place) < index);
  assert.deepEqual(again, [], told.join('\n'));
  assert.ok(late.length <= oncesMax, told.join('\n'));
});

/**
 * Strings have hidden classes too, by how they came to be (read, put together, cut out, interned), and more than four come
 * to whoever writes all kinds of text. For a length that is one lookup a text. For `charCodeAt` it would be one a character,
 * which makes a loop five times as slow: such loops call it by `charCodeAt.call`.
 */
const lengthsOfTexts = ['src/core/copy-bytes.ts', 'src/record/json-text.ts', 'src/wire/byte-writer.ts'];

/** Only failures come here. */
const explanations = 'src/core/explain.ts ';

test('V8 remembers where each property lies on the way of an exchange that goes well', () => {
  assert.match(log, /^LoadIC,.*,N,/m, 'the log has what it is read for');
  const lookups = readMegamorphic(log).filter((place) => !place.startsWith(explanations));
  const allowed = lengthsOfTexts.map((file) => `${file} .length`);
  assert.deepEqual(
    lookups.filter((place) => !allowed.includes(place)),
    [],
  );
});
