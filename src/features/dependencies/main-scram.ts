/** The client's side of SCRAM-SHA-256 (RFC 5802, RFC 7677), without channel binding. */
import { createHash, createHmac, pbkdf2Sync, timingSafeEqual } from 'node:crypto';
import type { Random } from '../../core/random.ts';

/** A server chooses how often the password is hashed: more than this would hold up the main thread. PostgreSQL takes 4096. */
const iterationsMax = 65_536;

/** So that a check each second hashes once. Only the last one is kept. */
let salted: { readonly of: string; readonly key: Buffer } | null = null;

export class ScramLogin {
  readonly #password: string;
  readonly #nonce: string;
  #serverSignature: Buffer | null = null;

  constructor(password: string, random: Random) {
    this.#password = password;
    const bytes = new Uint8Array(18);
    random.fill(bytes);
    this.#nonce = Buffer.from(bytes).toString('base64');
  }

  /** PostgreSQL takes the user from the startup message. */
  get first(): string {
    return `n,,${this.#firstBare}`;
  }

  get #firstBare(): string {
    return `n=,r=${this.#nonce}`;
  }

  /** The answer to the server's first message; null: it is none. */
  finalFor(said: string): string | null {
    const [, nonce = '', salt = '', iterations = ''] =
      /^r=([\x21-\x2b\x2d-\x7e]{1,512}),s=([A-Za-z\d+/=]{4,512}),i=(\d{1,7})$/.exec(said) ?? [];
    const count = Number(iterations);
    if (!nonce.startsWith(this.#nonce) || nonce === this.#nonce || count < 1 || count > iterationsMax) return null;
    const withoutProof = `c=biws,r=${nonce}`;
    const signed = `${this.#firstBare},${said},${withoutProof}`;
    const key = saltedPassword(this.#password, salt, count);
    const clientKey = hmac(key, 'Client Key');
    const signature = hmac(createHash('sha256').update(clientKey).digest(), signed);
    this.#serverSignature = hmac(hmac(key, 'Server Key'), signed);
    const proof = clientKey.map((byte, at) => byte ^ (signature[at] ?? 0));
    return `${withoutProof},p=${Buffer.from(proof).toString('base64')}`;
  }

  /** Whether the server's last message shows that it knows the password. */
  isServersOwn(said: string): boolean {
    const [, signature] = /^v=([A-Za-z\d+/=]{1,128})$/.exec(said) ?? [];
    const own = this.#serverSignature;
    if (own === null || signature === undefined) return false;
    const given = Buffer.from(signature, 'base64');
    return given.length === own.length && timingSafeEqual(given, own);
  }
}

function saltedPassword(password: string, salt: string, iterations: number): Buffer {
  const of = JSON.stringify([password, salt, iterations]);
  if (salted?.of !== of)
    salted = { of, key: pbkdf2Sync(password.normalize('NFKC'), Buffer.from(salt, 'base64'), iterations, 32, 'sha256') };
  return salted.key;
}

const hmac = (key: Uint8Array, text: string): Buffer => createHmac('sha256', key).update(text).digest();
