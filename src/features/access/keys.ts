import { resolve } from 'node:path';
import * as z from 'zod';
import { declare, describe } from '../../schema/default.ts';
import { parseNetwork } from '../../schema/format/network.ts';
import { oneOrMany, parsed, path, text } from '../../schema/leaves.ts';
import { key, section } from '../../schema/section.ts';
import { type FeatureKeys, featureKeys, type NamedFile } from '../feature-keys.ts';
import { agentWords } from './agent-groups.ts';
import { networkList, reviewNetworkFile } from './keys-networks.ts';
import { reviewAccess } from './keys-review.ts';
import { parseAgent, parseCountry, parseFingerprint } from './keys-values.ts';
import { accessName, type AccessSpec, type CertificateRule, type ValueRules } from './settings.ts';

const absent = {
  unknown: describe(
    '`deny` beside `allow`, else `allow`',
    'Who lets in some countries alone means those that are known.',
  ),
  dryRun: declare('false', 'Rules are written to hold.'),
};

const networks = oneOrMany(parsed(parseNetwork, { kind: 'network', examples: ['10.0.0.0/8'] }));
const countries = oneOrMany(parsed(parseCountry, { kind: 'code of a country', examples: ['DE'] }));
const agents = oneOrMany(parsed(parseAgent, { kind: 'pattern', examples: ['*BadBot*'] }));

const certificateRule = section({
  subject: key(text, 'The name in the certificate, such as `CN=ada,*`; `*` stands for any characters.'),
  issuer: key(text, 'The name of the authority that has signed it, likewise.'),
  fingerprint: key(
    parsed(parseFingerprint, { kind: 'fingerprint' }),
    'Its SHA-256, as `openssl x509 -fingerprint -sha256` writes it.',
  ),
});

const accessSection = section({
  allow: key(
    networks,
    'Networks of clients that may ask, by the address that trusted peers name. All others are refused.',
  ),
  allow_file: key(
    path,
    'A file with more of them, one in each line; what follows `#` or `;` is a remark. A reload reads it again.',
  ),
  deny: key(networks, 'Networks whose clients are refused, also those within `allow`.'),
  deny_file: key(path, 'A file with more of them.'),
  countries: key(
    section({
      allow: key(countries, 'Countries from which clients may ask: two letters of ISO 3166-1.'),
      deny: key(countries, 'Countries whose clients are refused.'),
      unknown: key(
        z.enum(['allow', 'deny']),
        'What becomes of clients whose country the file does not have, such as those of private networks.',
        absent.unknown,
      ),
    }),
    'Rules by the country of the address, for which `country_file` is needed.',
  ),
  user_agents: key(
    section({
      allow: key(agents, 'Patterns or groups as in `deny`: all other programs are refused.'),
      deny: key(
        agents,
        `Patterns of the header User-Agent, such as \`"*BadBot*"\` (\`*\` stands for any characters, and case does not matter), or groups: ${agentWords.map((word) => `\`${word}\``).join(', ')}.`,
      ),
    }),
    'Rules by the program that asks, as far as it says its name: a client may write any.',
  ),
  certificates: key(
    section({
      allow: key(z.array(certificateRule).min(1), 'The certificate of the client must be as one of these says.'),
      deny: key(z.array(certificateRule).min(1), 'Certificates that are refused, such as one whose key was stolen.'),
    }),
    'Rules by the certificate of the client, which `client_certificates` of a listener has verified.',
  ),
  dry_run: key(z.boolean(), 'Whether requests pass that would be refused. They are counted.', absent.dryRun),
});

const accessKeys = {
  access: key(
    z.union([z.literal('none'), accessSection]),
    'Which clients may ask: by network, country, program and certificate. Each rule that is there must let a request pass; others are refused with 403. Or `none`.',
  ),
};

const accessFileKeys = {
  ...accessKeys,
  country_file: key(
    path,
    'A file with the countries of addresses in the format of MaxMind, such as `GeoLite2-Country.mmdb`. A reload reads it again.',
  ),
};

type AccessRead = z.output<typeof accessSection>;

export interface AccessRouteRead {
  readonly access?: AccessRead | 'none';
  readonly readiness?: unknown;
}

export interface AccessFileRead {
  readonly access?: AccessRead | 'none';
  readonly country_file?: string;
  readonly trusted_peers?: readonly string[];
}

/** Checks of load balancers come from anywhere: only what the route says itself holds for them. */
function inForce(route: AccessRouteRead, file: AccessFileRead): AccessRead | null {
  const isCheck = route.readiness !== undefined && route.readiness !== false;
  const read = route.access ?? (isCheck ? undefined : file.access) ?? 'none';
  return read === 'none' ? null : read;
}

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
            ...valuesIn(of),
            allowsUnknown: of.unknown === undefined ? of.allow === undefined : of.unknown === 'allow',
            file: resolve(directory, file.country_file),
            version: contentOf(file.country_file),
          },
    userAgents: read.user_agents === undefined ? null : valuesIn(read.user_agents),
    certificates:
      read.certificates === undefined
        ? null
        : { allow: rulesIn(read.certificates.allow), deny: rulesIn(read.certificates.deny) },
    isDryRun: read.dry_run ?? false,
  };
  built.set(read, spec);
  return spec;
}

function valuesIn({
  allow,
  deny,
}: {
  readonly allow?: string[] | undefined;
  readonly deny?: string[] | undefined;
}): ValueRules {
  return { allow: allow ?? null, deny: deny ?? null };
}

type RulesRead = NonNullable<NonNullable<AccessRead['certificates']>['allow']>;

function rulesIn(read: RulesRead | undefined): readonly CertificateRule[] | null {
  return (
    read?.map(({ subject, issuer, fingerprint }) => ({
      ...(subject === undefined ? {} : { subject }),
      ...(issuer === undefined ? {} : { issuer }),
      ...(fingerprint === undefined ? {} : { fingerprint }),
    })) ?? null
  );
}

function filesIn(read: AccessRouteRead['access']): readonly NamedFile[] {
  if (read === undefined || read === 'none') return [];
  return (['allow_file', 'deny_file'] as const).flatMap((name) => {
    const file = read[name];
    if (file === undefined) return [];
    const review = reviewNetworkFile(file, name === 'allow_file');
    return [{ kind: 'networks' as const, path: file, at: [accessName, name], review }];
  });
}

export const access: FeatureKeys = featureKeys<AccessRouteRead, object, AccessFileRead>({
  name: accessName,
  routeKeys: accessKeys,
  fileKeys: accessFileKeys,
  forms: {
    access: {
      example: '{ allow: 10.0.0.0/8 }',
      off: 'write none',
      on: 'say who may ask, such as { allow: 10.0.0.0/8 }',
      stands: ['allow'],
    },
  },
  ofRoute(route, file, { directory, contentOf }) {
    const read = inForce(route, file);
    return read === null ? null : specOf(read, file, directory, contentOf);
  },
  filesOfRoute: ({ access: read }) => filesIn(read),
  filesOfFile: ({ access: read, country_file: file }) => [
    ...filesIn(read),
    ...(file === undefined ? [] : [{ kind: 'country_file' as const, path: file, at: ['country_file'] }]),
  ],
  review: reviewAccess,
});
