import { apiKeys } from './api-keys/keys.ts';
import { basic } from './basic/keys.ts';
import { forward } from './forward/keys.ts';
import { jwt } from './jwt/keys.ts';
import { oidc } from './oidc/keys.ts';
import type { SchemeKeys } from './keys-scheme.ts';

/** In the order in which documents have them, which is that in which requests are tried. */
export const schemesOfFile: readonly SchemeKeys[] = [apiKeys, jwt, basic, oidc, forward];
