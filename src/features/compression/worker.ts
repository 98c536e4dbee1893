import type { Compressors } from '../../filters/compress-body.ts';
import type { PoolClasses } from '../../core/pool-classes.ts';
import { lazyWorkerFeature } from '../worker-feature.ts';
import { compressionName, type CompressionSpec } from './settings.ts';

/** The bodies of all routes share them. */
const compressors = new WeakMap<PoolClasses, Compressors>();

export const compression = lazyWorkerFeature(
  compressionName,
  async () => ({ ...(await import('./worker-filter.ts')), ...(await import('../../filters/compress-body.ts')) }),
  ({ CompressionFilter, Compressors: Made }, _, spec: CompressionSpec, { pool }) => {
    let shared = compressors.get(pool);
    if (shared === undefined) compressors.set(pool, (shared = new Made(pool.of('zlib'))));
    return { hooks: { filters: [new CompressionFilter(spec, shared)] } };
  },
);
