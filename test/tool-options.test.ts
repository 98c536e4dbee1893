// Starts processes: the tools are programs.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { sampled } from '../src/testing/sweep.test-support.ts';

// What is run by hand says how, and begins nothing that was not asked for.

const tools = [
  'fuzz/run.ts',
  'differential/run.ts',
  'attacks/smuggling-run.ts',
  'soak/run.ts',
  'soak/run-changes.ts',
  'soak/run-mixed.ts',
  'soak/run-slow.ts',
  'incidents/run-days.ts',
];

function run(tool: string, ...words: readonly string[]) {
  return spawnSync(process.execPath, [join(import.meta.dirname, tool), ...words], { encoding: 'utf8' });
}

for (const tool of sampled(tools, 4)) {
  describe(tool, () => {
    test('prints its usage and an example when it is asked to', () => {
      const { status, stdout, stderr } = run(tool, '--help');
      assert.deepEqual([status, stderr], [0, '']);
      assert.match(stdout, /^usage: .*\n[\s\S]*\nexample: npm run /);
    });

    test('says what is wrong with the words, and how they would be right', () => {
      const { status, stdout, stderr } = run(tool, '--nope');
      assert.deepEqual([status, stdout], [2, '']);
      assert.match(stderr, /^Unknown option '--nope'\n\nusage: /);
      assert.doesNotMatch(stderr, /^ +at /m);
    });
  });
}

test('a number that is none is refused by name', () => {
  const { status, stderr } = run('fuzz/run.ts', '--minutes', 'many');
  assert.equal(status, 2);
  assert.match(stderr, /^--minutes takes a number\.\n/);
});
