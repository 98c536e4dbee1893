import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { repositoryRoot } from '../../scripts/repository.ts';
import { FakeProcessContext } from '../fakes/fake-process-context.ts';
import { readDocument } from './markdown.ts';

const readme = readDocument('README.md');

test('the README has every command; what npm start runs stands above, and a version needs no words', async () => {
  const context = new FakeProcessContext(repositoryRoot);
  assert.equal(await context.candor('--help'), 0);
  const listed = /^COMMANDS\n((?: {2}.+\n)+)/m.exec(context.stdout.text)?.[1] ?? '';
  const commands = [...listed.matchAll(/^ {2}([a-z]+)/gm)].map(([, name]) => name as string);
  assert.ok(commands.length > 10, context.stdout.text);
  const named = [...readme.matchAll(/^\| `candor ([a-z]+)/gm)].map(([, name]) => name);
  assert.deepEqual(
    commands.filter((name) => !named.includes(name)),
    ['demo', 'version'],
  );
});

test('every document is led to from the README, or from one that whoever changes Candor reads', () => {
  const doors = ['README.md', 'CONTRIBUTING.md', 'ARCHITECTURE.md'].map(readDocument).join('\n');
  const names = readdirSync(join(repositoryRoot, 'docs')).filter((name) => name.endsWith('.md'));
  assert.deepEqual(
    names.filter((name) => !doors.includes(`(docs/${name}`)),
    [],
  );
  const forOperators = ['operations.md', 'upgrade.md', 'limits.md', 'configuration.md', 'cli.md', 'applications.md'];
  for (const name of forOperators) assert.ok(readme.includes(`(docs/${name})`), name);
  assert.ok(readme.includes('(SECURITY.md)'));
});

test('the user that the service runs as is told of at the place where the documents put it', () => {
  const [, path = ''] = /`candor\.sysusers\.conf` \| `([^`]+)`/.exec(readDocument('docs/upgrade.md')) ?? [];
  assert.ok(readDocument('packaging/candor.sysusers.conf').startsWith(`# ${path}:`), path);
});

test('no document installs Candor from a registry, where it is not', () => {
  const texts = ['README.md', 'docs/upgrade.md', 'docs/cli.md', 'docs/operations.md', 'SECURITY.md'].map(readDocument);
  for (const text of texts) assert.doesNotMatch(text, /npm (?:install|i) (?:-g )?candor\b/);
});
