import { type FeaturePart, workerFeature } from '../worker-feature.ts';
import { filesName, type FilesSpec } from './settings.ts';

type Loaded = typeof import('./worker-parts.ts');

let loaded: Loaded | null = null;

export const files = workerFeature<FilesSpec, FeaturePart>({
  name: filesName,
  load: async () => {
    loaded = await import('./worker-parts.ts');
  },
  prepare: (_, spec, ports) => {
    if (loaded === null) throw new Error('files are loaded before they are prepared');
    const { Root, Disk, filesFilter } = loaded;
    return { hooks: { filters: [filesFilter(spec, new Root(spec.root, new Disk(ports.pool), spec.programs), ports)] } };
  },
});
