import { assert } from '../../core/assert.ts';
import { workerFeature } from '../worker-feature.ts';
import { authenticationName, type AuthenticationSpec } from './settings.ts';
import type { AuthenticationPart } from './worker-part.ts';

/** Where a route has the feature: most workers have none. */
let loaded: typeof import('./worker-part.ts') | null = null;

/** Finds out who sends a request, before anything else sees it, and tells the endpoint (ADR 36). */
export const authentication = workerFeature<AuthenticationSpec, AuthenticationPart>({
  name: authenticationName,
  loadFor: (spec) => (loaded === null ? load(spec) : loaded.loadSchemes(spec)),
  prepare(...of) {
    assert(loaded !== null, 'the schemes of authentication are loaded before a part is prepared');
    return loaded.preparePart(...of);
  },
});

async function load(spec: AuthenticationSpec): Promise<void> {
  loaded = await import('./worker-part.ts');
  await loaded.loadSchemes(spec);
}
