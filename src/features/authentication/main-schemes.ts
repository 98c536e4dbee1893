import type { StartScheme } from './main-scheme.ts';
import { oidcForWorkers } from './oidc/main.ts';
import { oidcName } from './oidc/settings.ts';

/** Schemes that the main thread gives something. */
export const mainSchemes: Readonly<Record<string, StartScheme>> = { [oidcName]: oidcForWorkers };
