import { featureWords, settingsOf } from '../feature-words.ts';
import { filesName, type FilesSpec } from './settings.ts';

export const filesWords = featureWords({
  settings: settingsOf(filesName, (spec: FilesSpec) => {
    const { root, index, extensions, fallback, listing, precompressed, cache, passes, release } = spec;
    return {
      answer: {
        ...(release === undefined ? { files: root } : { files: release.below, of_release: release.application }),
        index: index.join(', '),
        ...(extensions.length === 0 ? {} : { extensions: extensions.join(', ') }),
        ...(fallback === null ? {} : { fallback: `/${fallback}` }),
        ...(listing ? { listing } : {}),
        ...(precompressed.length === 0 ? {} : { precompressed: precompressed.join(', ') }),
        ...(cache.length === 0 ? {} : { cache: cache.map(([glob, value]) => `${glob}: ${value}`).join('; ') }),
        ...(passes ? { otherwise: 'to the upstream' } : {}),
      },
    };
  }),
});
