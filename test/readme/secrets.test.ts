import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { SecretInput } from '../../src/cli/process-context.ts';
import { FakeProcessContext } from '../fakes/fake-process-context.ts';

// docs/secrets.md: its commands are run one after the other beside its configuration, and print what stands there.

const text = readFileSync(new URL('../../docs/secrets.md', import.meta.url), 'utf8');
const all = [...text.matchAll(/^```(\w*)\n([^]*?)^```$/gm)];
const blocks = (language: string): string[] => all.flatMap(([, of, block = '']) => (of === language ? [block] : []));

const folder = mkdtempSync(join(tmpdir(), 'candor-secrets-doc-'));
after(() => rmSync(folder, { recursive: true, force: true }));

/** What the files of the commands have. */
const files: Readonly<Record<string, string>> = {
  'database-url': 'postgres://a@db/shop\n',
  'new-database-url': 'postgres://b@db/shop\n',
  'key.pem': '-----BEGIN KEY-----\nabc\n-----END KEY-----\n',
};

class Context extends FakeProcessContext {
  readonly secretInput: SecretInput;

  constructor(input: string) {
    super(folder);
    this.secretInput = {
      isTerminal: false,
      readAll: async () => Buffer.from(input),
      askHidden: () => assert.fail('nobody is there'),
    };
  }
}

/** What differs between machines and times. */
function usual(printed: string): string {
  const named = printed
    .replaceAll(/\d{4}-\d\d-\d\d \d\d:\d\d by command:\S+/g, '<when>')
    .replaceAll(/key [\da-f]{12}/g, 'key <id>');
  return named.replaceAll(/ {2,}/g, '  ');
}

test('the commands of the document print what it says', async () => {
  const [yaml = ''] = blocks('yaml');
  writeFileSync(join(folder, 'candor.yaml'), `admin: { socket: ${join(folder, 'no-gateway.sock')} }\n${yaml}`);
  writeFileSync(join(folder, '.env.production'), 'export STRIPE_KEY="sk_live"\n', { mode: 0o600 });
  const console = blocks('').join('');
  const runs = console.split(/^\$ /m).slice(1);
  assert.ok(runs.length >= 6);
  for (const run of runs) {
    const [command = '', ...printed] = run.split('\n');
    const [words = '', input = ''] = command.split(' < ');
    const context = new Context(files[input] ?? '');
    await context.candor(...words.split(' ').slice(1));
    assert.equal(context.stderr.text, '');
    assert.equal(usual(context.stdout.text), usual(printed.join('\n')), command);
  }
});
