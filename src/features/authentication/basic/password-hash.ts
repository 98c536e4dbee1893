/** The hashes of passwords that a file of users may have, as they are written. */
import { failWith, type Result, succeed } from '#failures/result.ts';

export interface ArgonHash {
  readonly kind: 'argon2';
  readonly algorithm: 'argon2id' | 'argon2i';
  readonly memoryKib: number;
  readonly passes: number;
  readonly parallelism: number;
  readonly salt: Uint8Array;
  readonly hash: Uint8Array;
}

export interface ScryptHash {
  readonly kind: 'scrypt';
  readonly cost: number;
  readonly blockSize: number;
  readonly parallelism: number;
  readonly salt: Uint8Array;
  readonly hash: Uint8Array;
}

interface BcryptHash {
  readonly kind: 'bcrypt';
  /** As it is written, which has all parts. */
  readonly text: string;
}

export type PasswordHash = ArgonHash | ScryptHash | BcryptHash;

/** A clause, and what to do. */
export interface HashFlaw {
  readonly message: string;
  readonly suggestion: string;
}

/** What a single check may take, so that no line of a file takes a core for many seconds, or the memory of the machine. */
const memoryBytesMax = 256 * 1024 * 1024;
const bcryptCostMax = 14;

const makeNew = 'make a new line with `candor password NAME`';

export function parsePasswordHash(written: string): Result<PasswordHash, HashFlaw> {
  if (/^\$2[abxy]\$/.test(written)) return parseBcrypt(written);
  if (/^\$argon2/.test(written)) return parseArgon(written);
  if (written.startsWith('$scrypt$')) return parseScrypt(written);
  return failWith({ message: refused(written), suggestion: makeNew });
}

/** What it is in place of a hash that is taken. Nothing of it is repeated: it may be a password. */
function refused(written: string): string {
  if (written.startsWith('$apr1$') || written.startsWith('$1$'))
    return 'its hash is MD5, of which a machine tries millions each second';
  if (written.startsWith('{SHA}')) return 'its hash is SHA-1 without a salt, which is no protection';
  if (/^\$[56y]\$/.test(written)) return 'its hash is one of crypt(3), which is not understood here';
  if (written === '') return 'it has no password';
  if (/^[./0-9A-Za-z]{13}$/.test(written))
    return 'its password is no hash, or one of crypt(3), whose passwords end after 8 letters';
  return 'its password is no hash that is understood here (bcrypt, argon2id, scrypt)';
}

function parseBcrypt(written: string): Result<PasswordHash, HashFlaw> {
  const cost = Number(/^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$/.exec(written)?.[1] ?? Number.NaN);
  if (Number.isNaN(cost) || cost < 4) return failWith({ message: 'its bcrypt hash is not whole', suggestion: makeNew });
  if (cost > bcryptCostMax)
    return failWith({
      message: `its bcrypt hash has the cost ${cost}, which takes seconds for each check`,
      suggestion: `make one with at most ${bcryptCostMax}, or with \`candor password NAME\``,
    });
  return succeed({ kind: 'bcrypt', text: written });
}

const argonForm = /^\$(argon2id|argon2i)\$v=19\$m=(\d{1,9}),t=(\d{1,4}),p=(\d{1,3})\$([^$]+)\$([^$]+)$/;

function parseArgon(written: string): Result<PasswordHash, HashFlaw> {
  const found = argonForm.exec(written);
  const [, algorithm, m, t, p, saltText = '', hashText = ''] = found ?? [];
  const [salt, hash] = [bytesOf(saltText), bytesOf(hashText)];
  if (found === null || salt === null || hash === null || salt.length < 8 || hash.length < 16)
    return failWith({
      message: 'its argon2 hash is not whole, or not one of argon2id or argon2i with v=19',
      suggestion: makeNew,
    });
  const [memoryKib, passes, parallelism] = [Number(m), Number(t), Number(p)];
  if (passes < 1 || parallelism < 1 || memoryKib < 8 * parallelism)
    return failWith({ message: 'its argon2 hash has parameters that cannot be', suggestion: makeNew });
  if (memoryKib * 1024 > memoryBytesMax || memoryKib * passes > (memoryBytesMax / 1024) * 4 || parallelism > 16)
    return failWith(tooMuch('argon2'));
  return succeed({
    ...{ kind: 'argon2', algorithm: algorithm as ArgonHash['algorithm'] },
    ...{ memoryKib, passes, parallelism, salt, hash },
  });
}

const scryptForm = /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,3}),p=(\d{1,3})\$([^$]+)\$([^$]+)$/;

function parseScrypt(written: string): Result<PasswordHash, HashFlaw> {
  const found = scryptForm.exec(written);
  const [, ln, r, p, saltText = '', hashText = ''] = found ?? [];
  const [salt, hash] = [bytesOf(saltText), bytesOf(hashText)];
  if (found === null || salt === null || hash === null || salt.length < 8 || hash.length < 16)
    return failWith({ message: 'its scrypt hash is not whole', suggestion: makeNew });
  const [cost, blockSize, parallelism] = [2 ** Number(ln), Number(r), Number(p)];
  if (cost < 2 || blockSize < 1 || parallelism < 1)
    return failWith({ message: 'its scrypt hash has parameters that cannot be', suggestion: makeNew });
  if (128 * cost * blockSize > memoryBytesMax || cost * blockSize * parallelism > 2 ** 23)
    return failWith(tooMuch('scrypt'));
  return succeed({ kind: 'scrypt', cost, blockSize, parallelism, salt, hash });
}

function tooMuch(name: string): HashFlaw {
  return { message: `its ${name} hash takes more memory or time than one check may`, suggestion: makeNew };
}

/** Base64 with or without padding; null: it is not. */
function bytesOf(text: string): Uint8Array | null {
  return /^[A-Za-z0-9+/]+={0,2}$/.test(text) ? Buffer.from(text, 'base64') : null;
}

/** For lines that `candor password` writes: OWASP's first recommendation for argon2id. */
export const argonOfNew = { memoryKib: 19_456, passes: 2, parallelism: 1, saltBytes: 16, hashBytes: 32 } as const;
/** And its first for scrypt that fits into the memory of one check. */
export const scryptOfNew = { log2Cost: 16, blockSize: 8, parallelism: 1, saltBytes: 16, hashBytes: 32 } as const;

export function base64Of(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64').replace(/=+$/, '');
}
