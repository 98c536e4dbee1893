import { lazyWorkerFeature } from '../worker-feature.ts';
import { filesName, type FilesSpec, type SiteFolders } from './settings.ts';

export const files = lazyWorkerFeature(
  filesName,
  () => import('./worker-parts.ts'),
  ({ Root, Disk, ServedFolder, filesFilter }, _, spec: FilesSpec, ports) => {
    const served = new ServedFolder(spec, new Root(spec.root, new Disk(ports.pool), spec.programs), ports.clock);
    const hooks = { filters: [filesFilter(served, ports)] };
    if (spec.release === undefined) return { hooks };
    return { hooks, onState: (state) => served.use(state as SiteFolders | null) };
  },
);
