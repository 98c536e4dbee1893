import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { matchOperation } from '../../src/admin/operations.ts';
import { type AdminServer, startAdminServer } from '../../src/admin/server.ts';
import type { SecretInput } from '../../src/cli/process-context.ts';
import { StateFolder } from '../../src/deploy/state-folder.ts';
import { systemClock } from '../../src/system/system.ts';
import { socketAlone } from '../fakes/admin-spec.ts';
import { FakeGateway } from '../fakes/fake-gateway.ts';
import { FakeProcessContext } from '../fakes/fake-process-context.ts';
import { assertFits } from './golden.ts';

const canary = 'Kn4rv-hunter2';
const noSocket = join(tmpdir(), 'candor-no-such-gateway.sock');
const yaml = `
state: ./state
admin: { socket: ${noSocket} }
applications:
  shop: { command: node server.js, secrets: [DATABASE_URL, STRIPE_KEY] }
  site: { command: node site.js, secrets: { URL: DATABASE_URL } }
routes: [{ to: shop }, { to: site, path: /site }]
`;

class Context extends FakeProcessContext {
  secretInput: SecretInput = piped('');
}

/** What another program writes. */
function piped(text: string): SecretInput {
  const readAll = async (bytesMax: number): Promise<Uint8Array | null> =>
    Buffer.byteLength(text) > bytesMax ? null : Buffer.from(text);
  return { isTerminal: false, readAll, askHidden: () => assert.fail('nobody is there') };
}

/** What a person types. */
function typed(value: string | null, questions: string[] = []): SecretInput {
  const askHidden = async (question: string): Promise<string | null> => {
    questions.push(question);
    return value;
  };
  return { isTerminal: true, readAll: () => assert.fail('a person types'), askHidden };
}

let folder: string;
const contexts: Context[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'candor-secrets-cli-'));
  writeFileSync(join(folder, 'candor.yaml'), yaml);
});
afterEach(() => {
  for (const { stdout, stderr } of contexts.splice(0)) assert.doesNotMatch(stdout.text + stderr.text, /Kn4rv|hunter2/);
  rmSync(folder, { recursive: true, force: true });
});

async function candor(
  argv: readonly string[],
  input: SecretInput = piped(''),
): Promise<{ code: number; out: string; err: string; said: string }> {
  const context = new Context(folder);
  context.secretInput = input;
  contexts.push(context);
  const code = await context.candor(...argv);
  const [out, err] = [context.stdout.text, context.stderr.text];
  assertFits(out);
  return { code, out, err, said: (out + err).replaceAll(/\s+/g, ' ') };
}

const setAll = (): Promise<unknown> => candor(['secret', 'set', 'DATABASE_URL'], piped(`${canary}\n`));

describe('without a gateway that runs, secrets are changed in the state folder', () => {
  test('a value comes through a pipe', async () => {
    const { code, out } = await candor(
      ['secret', 'set', 'DATABASE_URL', '--application', 'shop'],
      piped(`${canary}\n`),
    );
    assert.equal(code, 0);
    assert.equal(out, 'DATABASE_URL of shop was set.\n');
    assert.doesNotMatch(readFileSync(join(folder, 'state', 'secrets.json'), 'utf8'), /Kn4rv/);
    const again = await candor(['secret', 'set', 'DATABASE_URL', '-a', 'shop', '--json'], piped(canary));
    const { unchanged, changed } = JSON.parse(again.out) as Record<string, string[]>;
    assert.deepEqual([unchanged, changed], [['DATABASE_URL'], []], 'the end of the line is no part of it');
  });

  test('or from a person, who does not see it', async () => {
    const questions: string[] = [];
    const { code } = await candor(['secret', 'set', 'STRIPE_KEY'], typed(canary, questions));
    assert.equal(code, 0);
    assert.deepEqual(questions, ['Value of STRIPE_KEY (it is not shown): ']);
    const { code: given, said } = await candor(['secret', 'set', 'STRIPE_KEY'], typed(null));
    assert.deepEqual([given, said.trim()], [130, 'STRIPE_KEY was not set.']);
  });

  test('a value in several lines keeps its last end', async () => {
    await candor(['secret', 'set', 'KEY'], piped('a\nb\n'));
    const { out } = await candor(['secret', 'set', 'KEY', '--json'], piped('a\nb'));
    assert.deepEqual((JSON.parse(out) as { changed: string[] }).changed, ['KEY']);
  });

  test('a secret that no application uses is set with a note', async () => {
    for (const [argv, note] of [
      [
        ['DATABASE_URI'],
        'No application uses DATABASE_URI yet: name it in `secrets` of the application that needs it.',
      ],
      [
        ['DATABASE_URL', '-a', 'shp'],
        'The application shp does not use DATABASE_URL yet: name it in `secrets` of shp.',
      ],
      [['DATABASE_URL', '-a', 'shop'], null],
    ] as const) {
      const { code, said } = await candor(['secret', 'set', ...argv], piped('a'));
      assert.equal(code, 0);
      if (note === null) assert.doesNotMatch(said, / yet/);
      else assert.ok(said.replace(/\s+/g, ' ').includes(note), said);
    }
  });

  test('they are listed with those who use them, and with those that are missing', async () => {
    await setAll();
    const { code, out } = await candor(['secret', 'list']);
    assert.equal(code, 1);
    assert.match(
      out,
      /^NAME +OF +CHANGED \(UTC\) +USED BY\nDATABASE_URL +all +20\d\d-[\d -]+:\d\d by command:\S+ +shop, site\n/,
    );
    assert.match(out, /✖ STRIPE_KEY of shop has no value[^]*\n {2}candor secret set STRIPE_KEY --application shop\n/);
    const json = JSON.parse((await candor(['secret', 'list', '--json', '-a', 'site'])).out) as Record<string, unknown>;
    assert.deepEqual(json['missing'], []);
    assert.deepEqual(
      (json['secrets'] as { used_by: string[] }[]).map(({ used_by }) => used_by),
      [['shop', 'site']],
    );
  });

  test('one is removed; another one is not found', async () => {
    await setAll();
    const { code, said } = await candor(['secret', 'remove', 'DATABASE_URL', '--application', 'shop']);
    assert.equal(code, 9);
    assert.match(said, /no secret DATABASE_URL of the application shop\. There is one of all applications/);
    assert.equal(
      (await candor(['secret', 'remove', 'DATABASE_URL'])).out,
      'DATABASE_URL of all applications was removed.\n',
    );
  });

  test('the key is rotated', async () => {
    await setAll();
    const { code, out } = await candor(['secret', 'rotate-key']);
    assert.equal(code, 0);
    assert.match(out, /^All secrets are encrypted with the key [\da-f]{12}\.\n$/);
    assert.equal((await candor(['secret', 'list', '-a', 'site'])).code, 0);
  });

  test('a process that owns the folder is not written past', async () => {
    const owned = StateFolder.open(join(folder, 'state'), new Date().toISOString());
    assert.ok(owned.kind === 'owned');
    const { code, said } = await candor(['secret', 'set', 'KEY'], piped(canary));
    owned.folder.release();
    assert.equal(code, 10);
    assert.match(said, new RegExp(`belongs to the process ${process.pid}, which runs`));
    assert.equal((await candor(['secret', 'set', 'KEY'], piped(canary))).code, 0);
  });

  test('a key that others may read is refused, with what to do', async () => {
    await setAll();
    chmodSync(join(folder, 'state', 'secrets-key'), 0o644);
    const { code, said } = await candor(['secret', 'list']);
    assert.equal(code, 1);
    assert.match(said, /mode 0644\)\. `chmod 600 /);
  });

  test('a configuration without a state folder is no place for them', async () => {
    writeFileSync(join(folder, 'candor.yaml'), yaml.replace('./state', 'none'));
    const { code, said } = await candor(['secret', 'set', 'KEY'], piped(canary));
    assert.equal(code, 10);
    assert.match(said, /state: none/);
  });
});

const refused: readonly (readonly [what: string, argv: readonly string[], says: RegExp])[] = [
  ['as a second argument', ['KEY', canary], /never an argument.* `candor secret set KEY`/],
  ['behind =', [`KEY=${canary}`], /never an argument.* `candor secret set KEY`/],
  ['in place of the name', [`postgres://a:${canary}@b`], /no name of a secret/],
];

describe('a value is never an argument', () => {
  for (const [what, argv, says] of refused)
    test(what, async () => {
      const { code, said } = await candor(['secret', 'set', ...argv]);
      assert.equal(code, 2);
      assert.match(said, says);
    });
});

describe('values that are none are refused', () => {
  for (const [what, value, says] of [
    ['nothing', '', /is empty/],
    ['an empty line', '\n', /is empty/],
    ['a zero byte', 'Kn4rv\0', /zero byte/],
    ['too much', `${canary}${'x'.repeat(70_000)}`, /more than 65536 bytes/],
  ] as const)
    test(what, async () => {
      const { code, said } = await candor(['secret', 'set', 'KEY'], piped(value));
      assert.equal(code, 2);
      assert.match(said, says);
    });
});

describe('secrets are read from a .env file', () => {
  const env = `# of the shop\nexport DATABASE_URL="${canary}"\nSTRIPE_KEY='${canary}'\n${canary}\nBROKEN="${canary}\n`;

  test('and lines that were not read are named by their numbers', async () => {
    writeFileSync(join(folder, '.env'), env, { mode: 0o600 });
    const { code, out, err } = await candor(['secret', 'import', '.env', '--application', 'shop']);
    assert.equal(code, 1);
    assert.equal(out, 'DATABASE_URL, STRIPE_KEY of shop were set.\n');
    assert.equal(
      err,
      '.env, line 4: was not read: it has no `=`.\n.env, line 5: was not read: its quote is not closed.\n',
    );
    assert.equal((await candor(['secret', 'list', '-a', 'shop'])).code, 0);
  });

  test('also from standard input, with JSON for programs', async () => {
    const { code, out } = await candor(['secret', 'import', '-', '--json'], piped(env));
    const { added, not_read: notRead } = JSON.parse(out) as Record<string, unknown>;
    assert.deepEqual([code, added], [1, ['DATABASE_URL', 'STRIPE_KEY']]);
    assert.deepEqual(
      (notRead as { line: number }[]).map(({ line }) => line),
      [4, 5],
    );
  });

  test('a file that others may read is read, and it is said', async () => {
    writeFileSync(join(folder, '.env'), 'A=b', { mode: 0o644 });
    const { code, err } = await candor(['secret', 'import', '.env']);
    assert.equal(code, 0);
    assert.match(err, /chmod 600 \.env/);
  });

  test('a file that is not there, and one without secrets', async () => {
    assert.match((await candor(['secret', 'import', '.env'])).said, /cannot be read: it is not there/);
    writeFileSync(join(folder, '.env'), '# nothing\n', { mode: 0o600 });
    assert.equal((await candor(['secret', 'import', '.env'])).code, 2);
  });
});

describe('`candor check` says which secrets are missing', () => {
  test('as warnings of this machine', async () => {
    await setAll();
    const { code, said } = await candor(['check']);
    assert.equal(code, 0);
    assert.match(said, /secrets: STRIPE_KEY of shop has no value.*`candor secret set STRIPE_KEY --application shop`/);
    assert.doesNotMatch(said, /DATABASE_URL of/);
  });

  test('once, for an application and its workers', async () => {
    const workers = 'workers: { mail: { command: python3 mail.py } }';
    writeFileSync(join(folder, 'candor.yaml'), yaml.replace('STRIPE_KEY]', `STRIPE_KEY], ${workers}`));
    await setAll();
    assert.doesNotMatch((await candor(['check'])).said, /shop\.mail has no value/);
    assert.equal((await candor(['secret', 'list'])).out.match(/has no value/g)?.length, 1);
    await candor(['secret', 'set', 'STRIPE_KEY', '-a', 'shop'], piped(canary));
    assert.equal((await candor(['secret', 'list'])).code, 0);
  });

  test('and why they cannot be read', async () => {
    await setAll();
    rmSync(join(folder, 'state', 'secrets-key'));
    assert.match(
      (await candor(['check'])).said,
      /secrets: The secrets are encrypted with the key \w+, and there is no key/,
    );
  });
});

describe('with a gateway that runs, it is asked', () => {
  let gateway: FakeGateway;
  let admin: AdminServer;
  const socket = (): string => join(folder, 'gateway.sock');
  const change = {
    revision: 4,
    added: [],
    changed: ['KEY'],
    unchanged: [],
    removed: [],
    replacing: ['shop'],
    key: null,
  };

  beforeEach(async () => {
    gateway = new FakeGateway();
    admin = await startAdminServer({ gateway, spec: socketAlone(socket()), clock: systemClock });
  });
  afterEach(() => admin.close());

  const asked = (...argv: string[]) => candor(['secret', ...argv, '--socket', socket()], piped(canary));

  test('and says which applications get new instances', async () => {
    gateway.featureAnswer = change;
    const { code, said } = await asked('set', 'KEY', '--application', 'shop');
    assert.equal(code, 0);
    assert.match(said, /^KEY of shop was set\. New instances of shop take the place of the old ones\. candor status/);
    assert.deepEqual(gateway.calls, [
      `ask ["secrets",{"kind":"set","application":"shop","values":{"KEY":"${canary}"}},"admin:socket"]`,
    ]);
  });

  test('its audit has the name and never the value', async () => {
    gateway.featureAnswer = change;
    await asked('set', 'KEY');
    const emitted = JSON.stringify(gateway.events.since(0).events);
    assert.match(emitted, /asked for setSecrets \(KEY\); it was done/);
    assert.doesNotMatch(emitted, /Kn4rv/);
  });

  test('a refusal is said as it is', async () => {
    const { code, said } = await asked('set', 'KEY');
    assert.deepEqual([code, said.trim()], [10, 'It refuses. Ask another one.']);
  });

  test('it lists them', async () => {
    gateway.featureAnswer = { revision: 0, key: null, secrets: [], missing: [] };
    assert.match((await asked('list')).out, /^There are no secrets\. candor secret set <name> makes one\.\n$/);
  });
});

for (const command of ['set', 'list', 'remove', 'import', 'rotate-key'])
  test(`candor secret ${command} --help has an example, --json, and fits 80 columns`, async () => {
    const { code, out } = await candor(['secret', command, '--help']);
    assert.equal(code, 0);
    assert.match(out, new RegExp(`EXAMPLE\\n[^]*candor secret ${command}`));
    assert.match(out, /--json/);
  });

test('only who may deploy may change secrets; names may be read', () => {
  const access = (method: string, path: string): unknown => {
    const match = matchOperation(method, `/v1/secrets${path}`);
    return match.kind === 'operation' && match.access;
  };
  assert.deepEqual(
    ['/set', '/remove', '/rotate-key'].map((path) => access('POST', path)),
    ['deploy', 'deploy', 'deploy'],
  );
  assert.equal(access('GET', ''), 'read');
});
