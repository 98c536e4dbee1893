import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { runMain } from './run-main.ts';

interface Deopt {
  readonly atUs: number;
  /** 'src/wire/octet-writer.ts:63:5' */
  readonly place: string;
  readonly reason: string;
}

/**
 * What V8 has compiled on assumptions is thrown away where one does not hold, and compiled anew: some milliseconds each time.
 * It learns by that, so that a branch which is rare may cost one; whatever comes back at the same place learns nothing.
 */
const oncesMax = 6;

test('what is compiled stays compiled: no function is thrown away twice at one place in 20,000 exchanges', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'candor-deopts-'));
  try {
    const log = join(folder, 'v8.log');
    const warmAtUs = Number(
      await runMain('deopts-main.ts', ['--log-deopt', '--no-logfile-per-isolate', `--logfile=${log}`]),
    );
    const late = readDeopts(readFileSync(log, 'latin1')).filter(({ atUs }) => atUs > warmAtUs);
    const told = late.map(({ place, reason }) => `${place} ${reason}`);
    const places = late.map(({ place }) => place);
    const again = places.filter((place, index) => places.indexOf(place) < index);
    assert.deepEqual(again, [], told.join('\n'));
    assert.ok(late.length <= oncesMax, told.join('\n'));
  } finally {
    rmSync(folder, { recursive: true });
  }
});

/** `code-deopt,<µs>,<size>,<address>,<inlining>,<offset>,<kind>,<position of the innermost function>[ inlined at …],<reason>` */
const deoptLine = /^code-deopt,(\d+),.*?<file:[^>]*?\/(src\/[^>]+)>[^,]*,(.*)$/gm;

function readDeopts(log: string): Deopt[] {
  return [...log.matchAll(deoptLine)].map(([, atUs, place = '', reason = '']) => {
    return { atUs: Number(atUs), place, reason };
  });
}
