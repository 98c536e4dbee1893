import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parsePasswordHash } from './password-hash.ts';
import { PasswordThread } from './worker-password-thread.ts';

const passwords = new PasswordThread();

/** Made by other programs: argon2's own tests, Python's scrypt, and the bcrypt of crypt(3). */
const hashes: readonly (readonly [what: string, password: string, hash: string])[] = [
  ['argon2id', 'password', '$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4'],
  ['scrypt', 'correct horse', '$scrypt$ln=4,r=8,p=1$c29tZXNhbHQ$wKLPjjH51tEiT1Z0Ai0iVXqFbblw+1TqXHd+ayLW4mA'],
  ['bcrypt', 'correct horse', '$2y$05$abcdefghijklmnopqrstuuHNbAKRhpaujgo33bRWs.NLUTJO3lOy2'],
];
for (const [what, password, written] of hashes)
  test(`a hash of ${what} has one password`, async () => {
    const parsed = parsePasswordHash(written);
    assert.ok(parsed.ok);
    const isRight = (tried: string): Promise<boolean> => passwords.verify(tried, parsed.value);
    assert.equal(await isRight(password), true);
    for (const tried of ['', `${password} `, password.toUpperCase(), written])
      assert.equal(await isRight(tried), false);
  });

test('the thread starts again after it has ended', async () => {
  const hash = { kind: 'bcrypt', text: hashes[2]?.[2] ?? '' } as const;
  assert.equal(await passwords.verify('correct horse', hash), true);
  assert.equal(await passwords.verify('correct horse', { kind: 'bcrypt', text: 'no hash' }), false);
  await passwords.close();
  assert.equal(await passwords.verify('correct horse', hash), true);
});

test('answers to several questions at once are told apart', async () => {
  const hash = { kind: 'bcrypt', text: hashes[2]?.[2] ?? '' } as const;
  const tried = ['wrong', 'correct horse', 'correct horse', 'also wrong'];
  const answers = await Promise.all(tried.map((password) => passwords.verify(password, hash)));
  assert.deepEqual(answers, [false, true, true, false]);
  const cheap = parsePasswordHash(hashes[0]?.[2] ?? '');
  assert.ok(cheap.ok);
  assert.deepEqual(
    await Promise.all([passwords.verify('wrong', hash), passwords.verify('password', cheap.value)]),
    [false, true],
    'the second one is answered first',
  );
});

test('it leaves the processor to threads that serve', {
  skip: process.platform === 'linux' ? false : 'threads have no priority here',
}, async () => {
  const nicenessOf = (thread: string): number =>
    Number(readFileSync(`/proc/self/task/${thread}/stat`, 'latin1').split(') ')[1]?.split(' ')[16]);
  const before = readdirSync('/proc/self/task').filter((thread) => nicenessOf(thread) === 10);
  assert.deepEqual(before.length, 1);
});

test('the thread ends', () => passwords.close());
