import { type FeaturePart, workerFeature } from '../worker-feature.ts';
import { filesName, type FilesSpec, type SiteFolders } from './settings.ts';

type Loaded = typeof import('./worker-parts.ts');

let loaded: Loaded | null = null;

export const files = workerFeature<FilesSpec, FeaturePart>({
  name: filesName,
  load: async () => {
    loaded = await import('./worker-parts.ts');
  },
  prepare: (_, spec, ports) => {
    if (loaded === null) throw new Error('files are loaded before they are prepared');
    const { Root, Disk, ServedFolder, filesFilter } = loaded;
    const served = new ServedFolder(spec, new Root(spec.root, new Disk(ports.pool), spec.programs), ports.clock);
    const hooks = { filters: [filesFilter(served, ports)] };
    if (spec.release === undefined) return { hooks };
    return { hooks, onState: (state) => served.use(state as SiteFolders | null) };
  },
});
