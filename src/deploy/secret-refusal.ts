import type { Result } from '#failures/result.ts';

/** Why secrets cannot be read or changed. */
export interface SecretRefusal {
  /**
   * `key`: there is none, or another one than is wanted. `damaged`: the file is not what was written. `unsafe`: a file has another owner or mode than it
   * must have. `unknown`: there is no such secret. `invalid`: a name or value that cannot be kept. `system`: the disk, say.
   */
  readonly kind: 'key' | 'damaged' | 'unsafe' | 'unknown' | 'invalid' | 'system';
  /** A sentence; it never has a value. */
  readonly reason: string;
  /** What to do, a sentence. */
  readonly step: string;
}

class SecretRefused extends Error {
  readonly refusal: SecretRefusal;

  constructor(refusal: SecretRefusal) {
    super(refusal.reason);
    this.refusal = refusal;
  }
}

export function refuseSecrets(kind: SecretRefusal['kind'], reason: string, step: string): never {
  throw new SecretRefused({ kind, reason, step });
}

/** Turns what `act` refuses, and what the system refuses, into a failure. */
export function attemptSecrets<T>(folder: string, act: () => T): Result<T, SecretRefusal> {
  try {
    return { ok: true, value: act() };
  } catch (error) {
    if (error instanceof SecretRefused) return { ok: false, failure: error.refusal };
    // Node says of a folder in the place of a file ERR_FS_EISDIR.
    const code = (error as NodeJS.ErrnoException).code?.replace(/^ERR_FS_/, '');
    // A defect of ours is none of the folder's.
    if (code === undefined || !/^E[A-Z0-9]+$/.test(code)) throw error;
    const step = code === 'ENOSPC' ? 'Free some space on its disk.' : `Look at the folder: \`ls -ld ${folder}\`.`;
    return {
      ok: false,
      failure: { kind: 'system', reason: `The secrets in ${folder} cannot be read or written (${code}).`, step },
    };
  }
}
