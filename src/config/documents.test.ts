// Starts processes: the formatter, where the documents are written anew.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { parse } from 'yaml';
import * as z from 'zod';
import { toolPath } from '../../scripts/repository.ts';
import { jsonSchema } from './json-schema.ts';
import { parseConfiguration } from './parse.ts';
import { allKeys, fillHidden, referenceDocument } from './reference-tables.ts';

/** `UPDATE_DOCS=1` before the test command writes the documents anew. */
const update = process.env['UPDATE_DOCS'] === '1';
const root = join(import.meta.dirname, '..', '..');
const schemaPath = join(root, 'docs', 'candor.schema.json');
const documentPath = join(root, 'docs', 'configuration.md');
const referencePath = join(root, 'docs', 'reference.md');
const adminPath = join(root, 'docs', 'admin-api.md');
const examples = readdirSync(join(root, 'examples')).filter((name) => name.endsWith('.yaml'));

describe('docs/candor.schema.json', () => {
  // Compared as data: the formatter has its own idea of where lines end.
  if (update) {
    writeFileSync(schemaPath, `${JSON.stringify(jsonSchema(), null, 2)}\n`);
    execFileSync(process.execPath, [toolPath('@biomejs/biome', 'biome'), 'format', '--write', schemaPath], {
      cwd: root,
    });
  }

  test('is what the code makes; else run with UPDATE_DOCS=1', () => {
    assert.deepEqual(JSON.parse(readFileSync(schemaPath, 'utf8')), JSON.parse(JSON.stringify(jsonSchema())));
  });

  test('describes every key', () => {
    const bare: string[] = [];
    const walk = (node: unknown, path: string): void => {
      if (typeof node !== 'object' || node === null) return;
      for (const [key, inner] of Object.entries(node)) {
        if (key === 'properties') {
          for (const [name, property] of Object.entries(inner as Record<string, { description?: string }>)) {
            if (property.description === undefined && name !== 'present') bare.push(`${path}.${name}`);
          }
        }
        walk(inner, `${path}.${key}`);
      }
    };
    walk(jsonSchema(), '');
    assert.deepEqual(bare, []);
  });

  const schema = z.fromJSONSchema(jsonSchema() as Parameters<typeof z.fromJSONSchema>[0]);
  for (const name of examples) {
    test(`accepts examples/${name}`, () => {
      const result = schema.safeParse(parse(readFileSync(join(root, 'examples', name), 'utf8')));
      assert.ok(result.success, JSON.stringify(result.error?.issues));
    });
  }

  const judged: [text: string, accepted: boolean][] = [
    ['upstreams: { app: { endpoints: "a:1", attempts: 3 } }', true],
    ['upstreams: { app: { endpoints: "a:1", attempts: "${N}" } }', true],
    ['upstreams: { app: { endpoints: "a:1", attempts: "3" } }', false],
    ['timeouts: { connect: 5s }', true],
    ['timeouts: { connect: "${T:-5s}" }', true],
    ['workers: { memory_max: 64MiB }', true],
    ['workers: { memory_max: 100MiB }', true],
    ['workers: { memory_max: 1GiB }', true],
    ['workers: { memory_max: 65536KiB }', true],
    ['workers: { memory_max: 67108864B }', true],
    ['workers: { memory_max: 63MiB }', false],
    ['workers: { memory_max: 9MiB }', false],
    ['workers: { memory_max: 65535KiB }', false],
    ['workers: { memory_max: 67108863B }', false],
    ['workers: { memory_max: 0GiB }', false],
    ['log: { rotate_at: 1MiB }', true],
    ['log: { rotate_at: none }', true],
    ['log: { compress: gzip }', true],
    ['log: { compress: true }', false],
    ['log: { rotate_at: 1B }', false],
    ['log: { rotate_at: 1023KiB }', false],
    ['timeouts: { connect: 5 }', false],
    ['timeouts: { connect: 5sec }', false],
    ['timeouts: { connect: none }', false],
    ['timeouts: { exchange: none }', true],
    ['client: { head_max: 64KB }', false],
    ['disclosure: everything', false],
    ['disclosure: "${D}"', true],
    ['timeout: {}', false],
    ['routes: [{ redirect: { location: /a, status: 200 } }]', false],
    ['routes: [{ redirect: { location: /a, status: 301 } }]', true],
  ];
  for (const [text, accepted] of judged) {
    test(`${accepted ? 'accepts' : 'refuses'} ${text}`, () =>
      assert.equal(schema.safeParse(parse(text)).success, accepted));
  }
});

describe('docs/reference.md', () => {
  if (update) writeFileSync(referencePath, referenceDocument());

  test('has the keys, types, defaults and reasons of the code; else run with UPDATE_DOCS=1', () => {
    assert.equal(readFileSync(referencePath, 'utf8'), referenceDocument());
  });
});

describe('docs/configuration.md', () => {
  const document = readFileSync(documentPath, 'utf8');

  test('has examples without mistakes', () => {
    const blocks = [...document.matchAll(/^```yaml\n([^]*?)^```/gm)].map(([, text]) => text!);
    const whole = blocks.filter((text) => /^(?:upstreams|applications):/m.test(text));
    assert.ok(whole.length > 2);
    for (const text of whole) {
      const named = Object.keys((parse(text) as { upstreams?: object }).upstreams ?? {});
      const routes =
        named.length > 1 ? `\nroutes: [${named.map((name) => `{ path: /${name}, to: ${name} }`).join(', ')}]\n` : '';
      const complete =
        text.includes('to: app') && !text.includes('upstreams')
          ? `upstreams: { app: "127.0.0.1:3000" }\n${text}`
          : text + routes;
      const parsing = parseConfiguration(complete, {
        file: 'candor.yaml',
        directory: '/',
        environment: {},
        hostname: 'gateway',
      });
      assert.deepEqual(parsing.ok ? parsing.warnings : parsing.errors, [], text);
    }
  });

  test('has examples that are YAML', () => {
    for (const [, text] of document.matchAll(/^```yaml\n([^]*?)^```/gm))
      assert.doesNotThrow(() => parse(text!, { uniqueKeys: false }));
  });
});

test('docs/failures.md names no key of the configuration that does not exist at the level that it names', () => {
  const keys = allKeys();
  const named =
    /`([a-z]\w*(?:\.[a-z]\w*)+)(?:: [^`]*)?`(?: \([^)]*\))?(?: of (?:the|its) (route|upstream|listener|application)\b)?/g;
  const document = readFileSync(join(root, 'docs', 'failures.md'), 'utf8');
  const found = [...document.matchAll(named)].filter(([, key = '']) => !/[A-Z]/.test(key));
  assert.ok(found.length > 20);
  for (const [text, key = '', level] of found)
    assert.ok(
      keys.some((path) => `.${path}`.endsWith(`.${key}`) && (level === undefined || path.startsWith(`${level}s.*`))),
      text,
    );
});

describe('docs/admin-api.md', () => {
  if (update) writeFileSync(adminPath, fillHidden(readFileSync(adminPath, 'utf8')));

  test('says which values are hidden, as the schema marks them; else run with UPDATE_DOCS=1', () => {
    const document = readFileSync(adminPath, 'utf8');
    assert.match(document, /<!-- hidden -->/);
    assert.equal(document, fillHidden(document));
  });
});
