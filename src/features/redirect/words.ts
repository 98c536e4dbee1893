import { type AskedRequest, featureWords, type FlatSettings, settingsOf } from '../feature-words.ts';
import { redirectOf } from './settings-map.ts';
import { redirectName, type RedirectSpec } from './settings.ts';

export const redirectWords = featureWords({
  settings: settingsOf(redirectName, (spec: RedirectSpec, asked) => ({ answer: answerTo(asked, spec) })),
});

function answerTo({ request, locationOf }: AskedRequest, spec: RedirectSpec): FlatSettings {
  const found = redirectOf(spec)(request);
  const map = spec.map === undefined ? {} : { map: spec.map.name, redirects: spec.map.count };
  if (found === null) return { ...map, inMap: false };
  return { status: found.status, location: locationOf(found.location)(request), ...map };
}
