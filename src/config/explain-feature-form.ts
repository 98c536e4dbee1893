import type * as z from 'zod';
import { nearest } from '../core/nearest.ts';
import type { FeatureKeys, KeyForms } from '../features/feature-keys.ts';
import { featuresOfFile } from '../features/keys.ts';
import { plainText } from '../schema/error-detail.ts';
import type { Path } from '../schema/findings.ts';
import { allWord, offWord } from './explain-short-form.ts';

interface FormsOfKey extends KeyForms {
  /** Absent for keys within the key of a feature. */
  readonly schema?: z.ZodType;
}

/** By section and key: `routes.slo`. */
const formsByKey: ReadonlyMap<string, FormsOfKey> = new Map(
  featuresOfFile.flatMap((feature) =>
    Object.entries(feature.forms ?? {}).flatMap(([key, form]) =>
      Object.entries(keysBySection(feature)).flatMap(([section, keys]) => {
        const [outer = '', ...inner] = key.split('.');
        const schema = keys[outer] as z.ZodType | undefined;
        return schema === undefined
          ? []
          : [[`${section}.${key}`, inner.length > 0 ? form : { ...form, schema }] as const];
      }),
    ),
  ),
);

function keysBySection({ routeKeys, upstreamKeys, applicationKeys, fileKeys, topKeys }: FeatureKeys) {
  return {
    routes: routeKeys ?? {},
    upstreams: upstreamKeys ?? {},
    applications: { ...upstreamKeys, ...applicationKeys },
    '': { ...fileKeys, ...topKeys },
  };
}

function formsAt(path: Path): FormsOfKey | undefined {
  const [section, , ...keys] = path;
  return (
    formsByKey.get(`.${path.join('.')}`) ??
    (keys.length > 0 ? formsByKey.get(`${String(section)}.${keys.join('.')}`) : undefined)
  );
}

/** How the key of a feature is written; null: it is none. */
export function exampleAt(path: Path): string | null {
  const forms = formsAt(path);
  return forms === undefined ? null : `"${String(path.at(-1))}: ${forms.example}"`;
}

/** What to write for a key of a feature that has a value which it does not take; null where that is not for these forms to say. */
export function suggestForFeature(path: Path, input: unknown): string | null {
  const forms = formsAt(path);
  if (forms === undefined) return null;
  const { schema, off, on, otherwise, stands = [] } = forms;
  if (typeof input === 'string' && schema?.safeParse(true).success === true && isMistypedSwitch(input)) return null;
  if (typeof input === 'string' || typeof input === 'boolean') {
    if (off !== undefined && offWord.test(String(input))) return off;
    if (on !== undefined && allWord.test(String(input))) return on;
  }
  const meant = stands.find((key) => schema?.safeParse({ [key]: input }).success === true);
  return meant === undefined
    ? (otherwise ?? `for example ${exampleAt(path)}`)
    : `write { ${meant}: ${written(input)} }`;
}

/** In quotes where YAML might read something else. */
function written(value: unknown): string {
  return typeof value === 'string' && !/^[\w.%/-]+$/.test(value) ? JSON.stringify(value) : plainText(value);
}

function isMistypedSwitch(word: string): boolean {
  return nearest(word.toLowerCase(), ['true', 'false'], 1).length > 0;
}
