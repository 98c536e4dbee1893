import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { stepText } from './upgrade-command.ts';

const steps = ['starting', 'reading_configuration', 'listening', 'ready', 'draining'] as const;

test('the steps of an upgrade fit a terminal, broken between words, and docs/cli.md shows them unchanged', () => {
  const lines = steps.flatMap((step) => stepText(step, 4712).split('\n'));
  for (const line of lines) assert.ok(line.length <= 80, line);
  const document = readFileSync(join(import.meta.dirname, '..', '..', '..', 'docs', 'cli.md'), 'utf8');
  assert.ok(document.includes(`\n${lines.join('\n')}\n`), lines.join('\n'));
});
