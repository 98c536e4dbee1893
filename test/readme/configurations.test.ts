import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { parse, stringify } from 'yaml';
import { parseConfiguration } from '../../src/config/parse.ts';
import { loadPatterns } from '../../src/core/pattern.ts';
import { listenOptions } from '../../src/deploy/exposure.ts';
import { repositoryRoot } from '../../scripts/repository.ts';
import { completed } from './completed.ts';
import { blocksOf, readDocument } from './markdown.ts';

/** Whatever a document shows of a configuration can be copied into one. */

type Fragment = Record<string, unknown>;

/** A hash is too long to be shown whole. */
function read(text: string): Fragment | null {
  return parse(text.replace(/sha256:\w+…/g, `sha256:${'0'.repeat(64)}`)) as Fragment | null;
}

function assertAccepted(fragment: Fragment): void {
  const parsing = parseConfiguration(stringify(completed(fragment)), {
    file: 'candor.yaml',
    directory: '/',
    environment: {},
    hostname: 'gateway',
  });
  assert.deepEqual(parsing.ok ? parsing.warnings : parsing.errors, []);
}

/** Kubernetes, and what other gateways are configured with. */
const foreign: readonly string[] = ['spec', 'services', 'http', 'admin_api', 'static_resources', 'scrape_configs'];

const documents = [
  'README.md',
  'SECURITY.md',
  ...readdirSync(join(repositoryRoot, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];

before(loadPatterns);

describe('an example of a configuration is accepted', () => {
  let examples = 0;
  for (const document of documents) {
    for (const { language, line, text } of blocksOf(readDocument(document))) {
      const fragment = language === 'yaml' ? read(text) : null;
      // One has nothing but a comment, which is what it is about.
      if (fragment === null || foreign.some((key) => key in fragment)) continue;
      examples += 1;
      test(`${document}, line ${line}`, () => assertAccepted(fragment));
    }
  }
  test('and there are some', () => assert.ok(examples > 20));
});

/** Keys of the outermost level that nothing else in the documents is called by. */
const written = /`((?:listeners|admin|log|drain|workers|client|timeouts|websocket|state|store): [^`]+)`/g;

describe('what stands of a configuration in a sentence is accepted', () => {
  for (const document of documents) {
    for (const [, text] of readDocument(document).matchAll(written))
      test(`${document}: ${text}`, () => assertAccepted(read(text ?? '') ?? {}));
  }
});

describe('what the files for systemd say of the configuration is accepted', () => {
  const entries = readdirSync(join(repositoryRoot, 'packaging'), { withFileTypes: true });
  for (const { name } of entries.filter((entry) => entry.isFile())) {
    const comments = readDocument(`packaging/${name}`).replace(/^[^#].*$/gm, '');
    const fragments = [...comments.matchAll(/`([a-z_]+: [^`\n]+)`|^# {3}([a-z_]+: .+)$/gm)];
    for (const [, inline, line] of fragments)
      test(`${name}: ${inline ?? line}`, () => assertAccepted(read(inline ?? line ?? '') ?? {}));
  }
});

describe('what Candor says to write for a program is accepted as its command', () => {
  for (const [program, option] of Object.entries(listenOptions))
    test(`${program}: ${option}`, () => {
      const command = /^`([^`]+)`$/.exec(option)?.[1] ?? '';
      assert.notEqual(command, '', 'it is a command');
      assertAccepted({ applications: { app: { command } } });
    });
});
