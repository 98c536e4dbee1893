import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

const source = join(import.meta.dirname, '..');

/** Units of other gateways are their own matter. */
const others = /^diagnose\/(?:apache|caddy|haproxy|nginx|traefik)\//;

test('how a process gets more descriptors is written in one file; the failure table refers to the number of the status', () => {
  const files = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter(
    (name) => name.endsWith('.ts') && !/test(?:-support)?\.ts$/.test(name) && !others.test(name),
  );
  assert.ok(files.length > 500, String(files.length));
  const writing = files.filter((name) => {
    const lines = readFileSync(join(source, name), 'utf8').split('\n');
    return lines.some((line) => /LimitNOFILE/.test(line) && !/^\s*(?:\/\*|\*|\/\/)/.test(line));
  });
  assert.deepEqual(writing.toSorted(), ['core/descriptor-need.ts', 'core/failure-table/gateway-limits.ts']);
});
