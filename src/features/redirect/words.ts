import type { VariableSource } from '../../core/variables.ts';
import { featureWords, type FlatSettings } from '../feature-words.ts';
import { redirectOf } from './settings-map.ts';
import { redirectName, type RedirectSpec } from './settings.ts';

export const redirectWords = featureWords({
  settings(features, _, request) {
    const spec = features?.[redirectName] as RedirectSpec | undefined;
    return spec === undefined ? {} : { answer: answerTo(request, spec) };
  },
});

/** What a map does not have is no answer of the gateway's, where the route has an upstream. */
function answerTo(request: VariableSource, spec: RedirectSpec): FlatSettings {
  const found = redirectOf(spec)(request);
  const map = spec.map === undefined ? {} : { map: spec.map.name, redirects: spec.map.count };
  if (found === null) return { ...map, inMap: false };
  return { status: found.status, location: found.location, ...map };
}
