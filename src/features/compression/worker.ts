import type { Compressors } from '../../filters/compress-body.ts';
import type { PoolClasses } from '../../core/pool-classes.ts';
import { type FeaturePart, workerFeature } from '../worker-feature.ts';
import { compressionName, type CompressionSpec } from './settings.ts';

/** Most routes compress nothing: what compresses is loaded where one does. */
let loaded: {
  readonly filter: typeof import('./worker-filter.ts');
  readonly body: typeof import('../../filters/compress-body.ts');
} | null = null;

/** The bodies of all routes share them. */
const compressors = new WeakMap<PoolClasses, Compressors>();

export const compression = workerFeature<CompressionSpec, FeaturePart>({
  name: compressionName,
  async load() {
    loaded = { filter: await import('./worker-filter.ts'), body: await import('../../filters/compress-body.ts') };
  },
  prepare(_, spec, { pool }) {
    if (loaded === null) throw new Error('load comes first');
    let shared = compressors.get(pool);
    if (shared === undefined) compressors.set(pool, (shared = new loaded.body.Compressors(pool.of('zlib'))));
    return { hooks: { filters: [new loaded.filter.CompressionFilter(spec, shared)] } };
  },
});
