import type { PoolClasses } from '../../core/pool-classes.ts';
import type { Decompressors } from '../../filters/decompress-body.ts';
import { lazyWorkerFeature } from '../worker-feature.ts';
import { decompressionName, type DecompressionSpec } from './settings.ts';

/** The bodies of all routes share them. */
const decompressors = new WeakMap<PoolClasses, Decompressors>();

export const requestDecompression = lazyWorkerFeature(
  decompressionName,
  async () => ({ ...(await import('./worker-filter.ts')), ...(await import('../../filters/decompress-body.ts')) }),
  ({ decompressionFilters, Decompressors: Made }, _, spec: DecompressionSpec, { pool }) => {
    let shared = decompressors.get(pool);
    if (shared === undefined) decompressors.set(pool, (shared = new Made(pool.of('zlib'))));
    return { hooks: { filters: decompressionFilters(spec, shared) } };
  },
);
