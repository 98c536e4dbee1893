import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import { readConfiguration } from './read-configuration.ts';

describe('the error for a configuration file that is not there', () => {
  for (const [what, beside, expected] of [
    [
      'suggests the file with nearly the same name',
      ['candor.yaml', 'other.yaml'],
      /^Did you mean "candor\.yaml"\?$|candor\.yaml/,
    ],
    [
      'names the YAML files beside it if no name is near',
      ['production.yml'],
      /^there is "production\.yml"; name the right one/,
    ],
    ['says how to write one if there is none', ['notes.txt'], /^write one, if only the line/],
  ] as const)
    test(what, async (t) => {
      const directory = mkdtempSync(join(tmpdir(), 'candor-read-'));
      t.after(() => rmSync(directory, { recursive: true }));
      for (const name of beside) writeFileSync(join(directory, name), '');
      const { errors } = await readConfiguration('candr.yaml', { directory, env: {}, clock: new SimulatedClock() });
      assert.deepEqual(
        errors.map(({ file }) => file),
        ['candr.yaml'],
      );
      assert.match(errors[0]?.suggestion ?? '', expected);
    });
});
