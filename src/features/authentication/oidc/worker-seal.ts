import { createCipheriv, createDecipheriv, createSecretKey, hkdfSync, type KeyObject } from 'node:crypto';
import type { Random } from '../../../core/random.ts';

const ivBytes = 12;
const tagBytes = 16;

/** Encrypts what browsers keep for the gateway (AES-256-GCM): they can neither read it nor change it, nor use it for another purpose. */
export class Seal {
  readonly #key: KeyObject;
  readonly #random: Random;

  /** `secret`: any text of enough chance. */
  constructor(secret: string, random: Random) {
    this.#key = createSecretKey(Buffer.from(hkdfSync('sha256', secret, '', 'candor login 1', 32)));
    this.#random = random;
  }

  /** `purpose`: it can be opened only with the same. */
  close(text: string, purpose: string): string {
    const iv = Buffer.alloc(ivBytes);
    this.#random.fill(iv);
    const cipher = createCipheriv('aes-256-gcm', this.#key, iv).setAAD(Buffer.from(purpose));
    const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
    return Buffer.concat([iv, cipher.getAuthTag(), sealed]).toString('base64url');
  }

  /** Null: it was sealed by another key or for another purpose, or was changed. */
  open(sealed: string, purpose: string): string | null {
    const bytes = Buffer.from(sealed, 'base64url');
    if (bytes.length < ivBytes + tagBytes) return null;
    const decipher = createDecipheriv('aes-256-gcm', this.#key, bytes.subarray(0, ivBytes), {
      authTagLength: tagBytes,
    });
    decipher.setAAD(Buffer.from(purpose)).setAuthTag(bytes.subarray(ivBytes, ivBytes + tagBytes));
    try {
      return decipher.update(bytes.subarray(ivBytes + tagBytes), undefined, 'utf8') + decipher.final('utf8');
    } catch {
      return null;
    }
  }
}
