/** The password of a check: read for each, so that it may change. */
import { readFileSync } from 'node:fs';
import type { Random } from '../../core/random.ts';
import { SecretReader } from '../../deploy/secret-reader.ts';
import type { DependencySpec, PasswordSecret } from './settings.ts';

export interface FoundPassword {
  /** Null: there is none, and the check goes as far as it comes without. */
  readonly password: string | null;
  /** Why there is none, one clause; null: there is one. */
  readonly missing: string | null;
}

const passwordBytesMax = 4096;

export class Passwords {
  readonly #reader: SecretReader;

  constructor(parts: {
    readonly stateFolder: string | null;
    readonly random: Random;
    readonly wallTime: () => number;
  }) {
    this.#reader = new SecretReader({ ...parts, credentials: process.env['CREDENTIALS_DIRECTORY'] });
  }

  /** `dependent`: the first application that depends on it. */
  find({ passwordFile, passwordSecret }: DependencySpec, dependent: string | null): FoundPassword {
    if (passwordSecret !== null) return this.#inStore(passwordSecret, dependent);
    return passwordFile === null ? { password: null, missing: null } : inFile(passwordFile);
  }

  #inStore({ secret, application }: PasswordSecret, dependent: string | null): FoundPassword {
    const opened = this.#reader.open();
    const found = opened.ok ? opened.value.valueFor(application ?? dependent, secret) : opened;
    if (!found.ok) return none('its secret cannot be read');
    return found.value === null
      ? none(`the secret ${secret} has no value`)
      : { password: found.value.value, missing: null };
  }
}

function inFile(path: string): FoundPassword {
  try {
    const text = readFileSync(path, 'utf8').slice(0, passwordBytesMax);
    return { password: text.replace(/\r?\n$/, ''), missing: null };
  } catch {
    return none('the file of its password cannot be read');
  }
}

const none = (missing: string): FoundPassword => ({ password: null, missing });
