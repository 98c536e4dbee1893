import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { caddyDialects } from '../caddy/caddy.ts';
import type { Dialect } from '../dialect.ts';
import { envoyDialects } from '../envoy/envoy.ts';
import { traefikDialects } from './traefik.ts';

const pages: Readonly<Record<string, readonly Dialect[]>> = {
  caddy: caddyDialects,
  envoy: envoyDialects,
  traefik: traefikDialects,
};

/** A block with one line of a log, and the verdict in the line after it. */
const example = /```log\n(.+)\n```\n→ \*\*([a-z_]+)\*\*(?:, `([a-z_]+)`)?\n/g;

for (const [page, dialects] of Object.entries(pages)) {
  const text = readFileSync(new URL(`../../../../docs/explain/${page}.md`, import.meta.url), 'utf8');
  const examples = [...text.matchAll(example)];
  test(`every example of docs/explain/${page}.md has a verdict beside it`, () => {
    assert.equal(examples.length, text.split('```log\n').length - 1);
  });
  for (const [, line = '', shape, type] of examples) {
    test(`docs/explain/${page}.md: ${line.slice(0, 80)}`, () => {
      const dialect = dialects.find((one) => one.recognise(line) === 2);
      const finding = dialect?.open().read(line) ?? null;
      assert.deepEqual([finding?.shape, finding?.type], [shape, type ?? null]);
    });
  }
}
