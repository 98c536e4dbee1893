import type { PoolClasses } from '../../core/pool-classes.ts';
import type { Decompressors } from '../../filters/decompress-body.ts';
import { type FeaturePart, workerFeature } from '../worker-feature.ts';
import { decompressionName, type DecompressionSpec } from './settings.ts';

/** Most routes decode nothing: what decodes is loaded where one does. */
let loaded: {
  readonly filter: typeof import('./worker-filter.ts');
  readonly body: typeof import('../../filters/decompress-body.ts');
} | null = null;

/** The bodies of all routes share them. */
const decompressors = new WeakMap<PoolClasses, Decompressors>();

export const requestDecompression = workerFeature<DecompressionSpec, FeaturePart>({
  name: decompressionName,
  async load() {
    loaded = { filter: await import('./worker-filter.ts'), body: await import('../../filters/decompress-body.ts') };
  },
  prepare(_, spec, { pool }) {
    if (loaded === null) throw new Error('load comes first');
    let shared = decompressors.get(pool);
    if (shared === undefined) decompressors.set(pool, (shared = new loaded.body.Decompressors(pool.of('zlib'))));
    return { hooks: { filters: loaded.filter.decompressionFilters(spec, shared) } };
  },
});
