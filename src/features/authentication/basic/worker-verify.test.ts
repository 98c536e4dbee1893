import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parsePasswordHash } from './password-hash.ts';
import { BcryptThread } from './worker-bcrypt.ts';
import { verifyPassword } from './worker-verify.ts';

const bcrypt = new BcryptThread();
const verifyBcrypt = (password: string, hash: string): Promise<boolean> => bcrypt.verify(password, hash);

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
    const isRight = (tried: string): Promise<boolean> => verifyPassword(tried, parsed.value, verifyBcrypt);
    assert.equal(await isRight(password), true);
    for (const tried of ['', `${password} `, password.toUpperCase(), written])
      assert.equal(await isRight(tried), false);
  });

test('the thread of bcrypt starts again after it has ended', async () => {
  const thread = new BcryptThread();
  const hash = hashes[2]?.[2] ?? '';
  assert.equal(await thread.verify('correct horse', hash), true);
  assert.equal(await thread.verify('correct horse', 'no hash'), false);
  await thread.close();
  assert.equal(await thread.verify('correct horse', hash), true);
  await thread.close();
});

test('the threads end', () => bcrypt.close());
