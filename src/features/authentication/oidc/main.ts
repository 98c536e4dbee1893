import { keptKey } from '../../../deploy/kept-key.ts';
import type { StartScheme } from '../main-scheme.ts';
import { loginKeyFile, type OidcSpec, refreshCells } from './settings.ts';

/**
 * Gives workers the key that encrypts cookies, where the configuration names none. It is kept in the state folder, so that logins outlive restarts and
 * upgrades; without a folder that can be used each process has its own. And the memory in which they see who refreshes a session.
 */
export const oidcForWorkers: StartScheme = ({ random, stateFolder }) => {
  let kept: string | null = null;
  let refreshes: SharedArrayBuffer | null = null;
  return (spec): OidcSpec => {
    const own = spec as OidcSpec;
    refreshes ??= new SharedArrayBuffer(refreshCells * Int32Array.BYTES_PER_ELEMENT);
    if (own.key === null) kept ??= keptKey(stateFolder, loginKeyFile, random);
    return { ...own, key: own.key ?? kept, refreshes };
  };
};
