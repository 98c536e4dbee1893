import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, describe, test } from 'node:test';
import type { SecretInput } from '../../src/cli/process-context.ts';
import { readKeyFile } from '../../src/features/authentication/api-keys/key-file.ts';
import { readPasswordFile } from '../../src/features/authentication/basic/password-file.ts';
import { PasswordThread } from '../../src/features/authentication/basic/worker-password-thread.ts';
import { FakeProcessContext } from '../fakes/fake-process-context.ts';
import { assertFits } from './golden.ts';

const passwords = new PasswordThread();
after(() => passwords.close());

class Context extends FakeProcessContext {
  secretInput: SecretInput = piped('');
}

function piped(text: string): SecretInput {
  const readAll = async (bytesMax: number): Promise<Uint8Array | null> =>
    Buffer.byteLength(text) > bytesMax ? null : Buffer.from(text);
  return { isTerminal: false, readAll, askHidden: () => assert.fail('nobody is there') };
}

function typed(...answers: (string | null)[]): SecretInput {
  const askHidden = async (): Promise<string | null> => answers.shift() ?? null;
  return { isTerminal: true, readAll: () => assert.fail('a person types'), askHidden };
}

async function candor(
  argv: readonly string[],
  input: SecretInput = piped(''),
): Promise<{ code: number; out: string; err: string }> {
  const context = new Context('/');
  context.secretInput = input;
  const code = await context.candor(...argv);
  assertFits(context.stderr.text);
  return { code, out: context.stdout.text, err: context.stderr.text };
}

const password = 'correct horse';

describe('candor password', () => {
  for (const [what, argv, input, form] of [
    ['from a pipe', [], piped(`${password}\n`), /^ada:\$argon2id\$v=19\$m=19456,t=2,p=1\$/],
    ['from a person, who types it twice', [], typed(password, password), /^ada:\$argon2id\$/],
    ['with scrypt', ['--hash', 'scrypt'], piped(password), /^ada:\$scrypt\$ln=16,r=8,p=1\$/],
    ['with groups', ['--groups', 'admin, staff'], piped(password), /^ada:\$argon2id\$.*:admin,staff\n$/],
  ] as const)
    test(`makes a line ${what}, which the gateway reads`, async () => {
      const { code, out } = await candor(['password', 'ada', ...argv], input);
      assert.equal(code, 0);
      assert.match(out, form);
      const { users, flaws } = readPasswordFile(out);
      assert.deepEqual(flaws, []);
      const { hash, groups } = users.get('ada') ?? assert.fail('no user');
      assert.deepEqual(groups, (argv as readonly string[]).includes('--groups') ? ['admin', 'staff'] : []);
      const isRight = (tried: string): Promise<boolean> => passwords.verify(tried, hash);
      assert.deepEqual([await isRight(password), await isRight(`${password}\n`)], [true, false]);
    });

  test('prints JSON', async () => {
    const { out } = await candor(['password', 'ada', '--json'], piped(password));
    const { name, line } = JSON.parse(out) as Record<string, string>;
    assert.equal(name, 'ada');
    assert.ok(line?.startsWith('ada:$argon2id$'));
  });

  for (const [what, name, input, code, says] of [
    ['two different passwords', 'ada', typed('a', 'b'), 2, /are not the same/],
    ['no password', 'ada', piped('\n'), 2, /is empty/],
    ['a password of several lines', 'ada', piped('a\nb\n'), 2, /several lines/],
    ['a long one', 'ada', piped('x'.repeat(2000)), 2, /more than 1024 bytes/],
    ['a name with a colon', 'a:b', piped('x'), 2, /no name of a user/],
    ['a person who gives up', 'ada', typed(null), 130, /No line was made/],
  ] as const)
    test(`makes no line of ${what}`, async () => {
      const made = await candor(['password', name], input);
      assert.deepEqual([made.code, made.out], [code, '']);
      assert.match(made.err.replaceAll(/\s+/g, ' '), says);
    });
});

describe('candor key new', () => {
  test('prints the key for people, and its line for the file', async () => {
    const { code, out, err } = await candor(['key', 'new', 'ci', '--groups', 'deploy, read']);
    assert.equal(code, 0);
    const [key = ''] = /candor_key_[\w-]{43}/.exec(err) ?? [];
    const { owners, flaws } = readKeyFile(out);
    assert.deepEqual(flaws, []);
    assert.deepEqual(owners.get(createHash('sha256').update(key).digest('hex')), {
      name: 'ci',
      groups: ['deploy', 'read'],
    });
    assert.ok(!out.includes(key));
  });

  test('prints JSON', async () => {
    const { out, err } = await candor(['key', 'new', 'ci', '--json']);
    const { key = '', line = '' } = JSON.parse(out) as Record<string, string>;
    assert.deepEqual([readKeyFile(line).owners.size, err], [1, '']);
    assert.match(key, /^candor_key_/);
  });

  test('refuses a name or groups that the file cannot have', async () => {
    for (const argv of [['a:b'], ['ci', '--groups', 'a b']]) {
      const { code, out } = await candor(['key', 'new', ...argv]);
      assert.deepEqual([code, out], [2, '']);
    }
  });
});
