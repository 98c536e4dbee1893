import { apiKeys } from './api-keys/worker.ts';
import { basic } from './basic/worker.ts';
import { forward } from './forward/worker.ts';
import { jwt } from './jwt/worker.ts';
import { oidc } from './oidc/worker.ts';
import type { AuthenticationScheme } from './worker-scheme.ts';

/** In the order in which a request is tried: what only looks at credentials stands before what sends people to a login. */
export const schemesOfWorkers: readonly AuthenticationScheme[] = [apiKeys, jwt, basic, oidc, forward];
