import { loadedProtocols } from '../../upstream/create-connection.ts';
import { type FeaturePart, workerFeature } from '../worker-feature.ts';
import { fastCgiName, type PhpSpec } from './settings.ts';

/** Null until a configuration needs it. */
let programs: typeof import('./worker-programs.ts') | null = null;

/** Of upstreams that speak it, and of routes that say which program a request is for. */
export const fastCgi = workerFeature<PhpSpec | object, FeaturePart>({
  name: fastCgiName,
  async load() {
    const { createFastCgi } = await import('../../upstream/fastcgi/create.ts');
    loadedProtocols.fastcgi = createFastCgi;
    programs = await import('./worker-programs.ts');
  },
  prepare: (_, spec, ports) => ({
    hooks: 'root' in spec && programs !== null ? programs.hooksOf(spec, ports) : {},
  }),
});
