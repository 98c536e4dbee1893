import { compileTemplate } from '../../core/template.ts';
import { type FeaturePart, workerFeature } from '../worker-feature.ts';
import { type RecordingSpec, recordingName } from './settings.ts';

export const recording = workerFeature<RecordingSpec, FeaturePart>({
  name: recordingName,
  prepare(_, { share, fields }) {
    const compiled = Object.entries(fields).map(([name, text]) => [name, compileTemplate(text)] as const);
    return { hooks: { recording: { share, fields: compiled.length === 0 ? null : compiled } } };
  },
});
