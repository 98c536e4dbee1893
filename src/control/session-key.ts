import type { Configuration } from '../core/configuration.ts';
import type { Random } from '../core/random.ts';
import { keptKey } from './kept-key.ts';

/**
 * The key that signs the cookies of sticky sessions, where the configuration names none. It is kept in the state folder, so that sessions outlive restarts and upgrades; without a
 * folder that can be used each process has its own. It is created when a configuration first needs it.
 */
export class SessionKey {
  readonly #random: Random;
  #key: string | null = null;

  constructor(random: Random) {
    this.#random = random;
  }

  /** Undefined if no upstream needs it. */
  for({ upstreams, stateFolder }: Pick<Configuration, 'upstreams' | 'stateFolder'>): string | undefined {
    if (!upstreams.some(({ sticky }) => sticky?.key === null)) return undefined;
    this.#key ??= keptKey(stateFolder, 'session-key', this.#random);
    return this.#key;
  }
}
