import { type FeaturePart, workerFeature } from '../worker-feature.ts';
import { sendFilesName, type SendFilesSpec } from './settings.ts';

/** Most routes send no files for their applications: what does is loaded where one does. */
let loaded: typeof import('./worker-sender.ts') | null = null;

export const sendFiles = workerFeature<SendFilesSpec, FeaturePart>({
  name: sendFilesName,
  async load() {
    loaded = await import('./worker-sender.ts');
  },
  prepare(_, spec, ports) {
    if (loaded === null) throw new Error('load comes first');
    return { hooks: loaded.hooksOf(spec, ports) };
  },
});
