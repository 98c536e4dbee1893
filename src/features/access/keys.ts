import { resolve } from 'node:path';
import { type FeatureKeys, featureKeys, inForce, type NamedFile, type TextFile } from '../feature-keys.ts';
import { countryFile, reviewCountryFile } from './keys-country-file.ts';
import { networkList, reviewNetworkFile } from './keys-networks.ts';
import { reviewAccess } from './keys-review.ts';
import {
  accessFileKeys,
  type AccessFileRead,
  accessKeys,
  type AccessRead,
  type AccessRouteRead,
} from './keys-schema.ts';
import { accessName, type AccessSpec, type RuleLists } from './settings.ts';

type ContentOf = (path: string) => string;

/** Routes that have what the file says share one spec. */
const built = new WeakMap<AccessRead, AccessSpec>();

function specOf(read: AccessRead, file: AccessFileRead, directory: string, contentOf: ContentOf): AccessSpec {
  const known = built.get(read);
  if (known !== undefined) return known;
  const fileOf = (name: string | undefined): { readonly path: string; readonly text: string } | null =>
    name === undefined ? null : { path: name, text: contentOf(name) };
  const allow = networkList(read.allow, fileOf(read.allow_file));
  const deny = networkList(read.deny, fileOf(read.deny_file));
  const { countries: of } = read;
  const spec: AccessSpec = {
    networks: allow === null && deny === null ? null : { allow, deny },
    countries:
      of === undefined || file.country_file === undefined
        ? null
        : {
            ...listsOf(of),
            allowsUnknown: of.unknown === undefined ? of.allow === undefined : of.unknown === 'allow',
            file: resolve(directory, file.country_file),
            version: contentOf(file.country_file),
          },
    userAgents: read.user_agents === undefined ? null : listsOf(read.user_agents),
    certificates: read.certificates === undefined ? null : listsOf(read.certificates),
    isDryRun: read.dry_run ?? false,
  };
  built.set(read, spec);
  return spec;
}

function listsOf<T>({ allow, deny }: { allow?: T[] | undefined; deny?: T[] | undefined }): RuleLists<T> {
  return { allow: allow ?? null, deny: deny ?? null };
}

/** Twice a hundred thousand lines of IPv6. */
const networksFile: TextFile = { what: 'a list of networks', bytesMax: 10 * 1024 * 1024 };

function filesIn(read: AccessRouteRead['access']): readonly NamedFile[] {
  if (read === undefined || read === 'none') return [];
  return (['allow_file', 'deny_file'] as const).flatMap((name) => {
    const file = read[name];
    if (file === undefined) return [];
    const review = reviewNetworkFile(file, name === 'allow_file');
    return [{ kind: networksFile, path: file, at: [accessName, name], review }];
  });
}

export const access: FeatureKeys = featureKeys<AccessRouteRead, object, AccessFileRead>({
  name: accessName,
  routeKeys: accessKeys,
  fileKeys: accessFileKeys,
  forms: {
    country_file: { example: 'GeoLite2-Country.mmdb' },
    access: {
      example: '{ allow: 10.0.0.0/8 }',
      off: 'write none',
      on: 'say who may ask, such as { allow: 10.0.0.0/8 }',
      stands: ['allow'],
    },
    'access.countries': { example: '{ allow: [DE, AT] }' },
    'access.certificates': { example: '{ allow: [{ subject: "CN=ada*" }] }' },
    'access.certificates.allow': { example: '[{ subject: "CN=ada*" }]' },
    'access.certificates.deny': { example: '[{ subject: "CN=ada*" }]' },
  },
  ofRoute(route, file, { directory, contentOf }) {
    const read = inForce(accessName, route, file);
    return read === null ? null : specOf(read, file, directory, contentOf);
  },
  filesOfRoute: ({ access: read }) => filesIn(read),
  filesOfFile: ({ access: read, country_file: file }) => [
    ...filesIn(read),
    ...(file === undefined ? [] : [{ kind: countryFile, path: file, at: ['country_file'], review: reviewCountryFile }]),
  ],
  review: reviewAccess,
});
