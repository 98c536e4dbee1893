import { argon2, scrypt, timingSafeEqual } from 'node:crypto';
import type { ArgonHash, PasswordHash, ScryptHash } from './password-hash.ts';

/** Whether it is the password of the hash. Hashes are made in Node's pool of threads, and those of bcrypt in a thread of their own. */
export async function verifyPassword(
  password: string,
  hash: PasswordHash,
  verifyBcrypt: (password: string, hash: string) => Promise<boolean>,
): Promise<boolean> {
  if (hash.kind === 'bcrypt') return verifyBcrypt(password, hash.text);
  const made = await (hash.kind === 'argon2' ? argonOf(password, hash) : scryptOf(password, hash));
  return timingSafeEqual(made, hash.hash);
}

function argonOf(
  password: string,
  { algorithm, memoryKib, passes, parallelism, salt, hash }: ArgonHash,
): Promise<Buffer> {
  const parameters = {
    ...{ message: password, nonce: salt, parallelism, tagLength: hash.length },
    ...{ memory: memoryKib, passes },
  };
  return new Promise((resolve, reject) => {
    argon2(algorithm, parameters, (error, made) => (error === null ? resolve(made) : reject(error)));
  });
}

function scryptOf(password: string, { cost, blockSize, parallelism, salt, hash }: ScryptHash): Promise<Buffer> {
  // What it uses, and a little for the blocks beside the table.
  const maxmem = 128 * cost * blockSize + 256 * blockSize * parallelism + 1024 * 1024;
  return new Promise((resolve, reject) => {
    scrypt(password, salt, hash.length, { cost, blockSize, parallelization: parallelism, maxmem }, (error, made) =>
      error === null ? resolve(made) : reject(error),
    );
  });
}
