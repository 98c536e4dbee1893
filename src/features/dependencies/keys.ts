/** What may be written about what applications depend on. */
import { resolve } from 'node:path';
import * as z from 'zod';
import { nearest } from '../../core/nearest.ts';
import { failWith, type Result, succeed } from '#failures/result.ts';
import { declare } from '../../schema/default.ts';
import type { ErrorDetail } from '../../schema/error-detail.ts';
import type { Findings } from '../../schema/findings.ts';
import { duration, name, oneOrMany, parsed, path } from '../../schema/leaves.ts';
import { hide } from '../../schema/schema-parts.ts';
import { key, section } from '../../schema/section.ts';
import { type FeatureKeys, featureKeys } from '../feature-keys.ts';
import { secretName } from '../secrets/keys.ts';
import {
  dependenciesName,
  type DependenciesSpec,
  dependencyKinds,
  type DependencyKind,
  type DependsOnSpec,
} from './settings.ts';
import { dependencyOf } from './url.ts';

const absent = {
  interval: declare('5s', 'A failure is looked at as soon as a request fails, whatever the interval.'),
  timeout: declare('2s', 'A database that takes longer to greet is one that its applications wait for.'),
  application: declare('the first that depends on it', 'It mostly has the password already.'),
  readOnly: declare('false', 'Most applications write.'),
};

interface UrlRead {
  readonly url: string;
  readonly kind: DependencyKind;
  readonly shown: string;
  readonly hasPassword: boolean;
}

function parseUrl(written: string): Result<UrlRead, ErrorDetail> {
  const found = dependencyOf(written);
  if (!found.ok) return failWith(found.failure);
  const { kind, shown, password } = found.value;
  return succeed({ url: written, kind, shown, hasPassword: password !== null });
}

const url = hide(
  parsed(parseUrl, { kind: 'URL', examples: ['postgres://127.0.0.1:5432/shop', 'redis://127.0.0.1:6379'] }),
  'value',
  'url',
);

const dependency = z.union([
  url,
  section({
    url: url.meta({
      ...url.meta(),
      description:
        'Where it is, and by its scheme how it is asked: `postgres`, `mysql`, `redis`, `rediss`, `http`, `https`, `tcp` (connects alone), `unix`. User and password as its clients write them: without a password a check goes as far as the login.',
    }),
    interval: key(duration, 'How often it is checked.', absent.interval),
    timeout: key(
      duration,
      'How long a check may take, from the look-up of its name to the last answer.',
      absent.timeout,
    ),
    password_file: key(path, 'A file with the password for the login, read anew for each check.'),
    password_secret: key(
      hide(
        z.union([
          secretName,
          section({
            secret: secretName.meta({ ...secretName.meta(), description: 'Its name in the store.' }),
            application: key(name, 'The application whose secret it is.', absent.application),
          }),
        ]),
        'secret_name',
      ),
      'The secret with the password for the login, by its name in the store (`candor secret set`): that of the application, or else that of all.',
    ),
    read_only: key(
      z.boolean(),
      'Whether its applications only read: a replica that takes no writes is not `degraded` then.',
      absent.readOnly,
    ),
  }),
]);

const topKeys = {
  dependencies: key(
    z.record(name, dependency),
    'What applications need besides themselves, by name, such as databases: a URL, or keys. The gateway checks it, tells of it in `candor status`, and names it in the incidents of the applications that depend on it. It never keeps requests from them.',
  ),
};

const applicationKeys = {
  depends_on: key(oneOrMany(name), 'What it needs of `dependencies`, by name.'),
};

type FileRead = z.output<z.ZodObject<typeof topKeys>>;
type ApplicationRead = z.output<z.ZodObject<typeof applicationKeys>>;
type DependencyRead = z.output<typeof dependency>;

/** Both forms as one. */
function settingsOf(read: DependencyRead): Exclude<DependencyRead, UrlRead> {
  return 'hasPassword' in read ? { url: read } : read;
}

function secretOf(read: string | { readonly secret: string; readonly application?: string | undefined }) {
  return typeof read === 'string'
    ? { secret: read, application: null }
    : { secret: read.secret, application: read.application ?? null };
}

export const dependencies: FeatureKeys = featureKeys<object, object, FileRead, ApplicationRead>({
  name: dependenciesName,
  topKeys,
  applicationKeys,
  forms: {
    dependencies: { example: '{ database: "postgres://127.0.0.1:5432/shop" }', off: 'remove the key' },
    depends_on: { example: '[database]', off: 'remove the key' },
  },
  ofFile({ dependencies: written = {} }, { directory }): DependenciesSpec | null {
    const all = Object.entries(written).map(([named, read]) => {
      const { url: target, interval, timeout, password_file, password_secret, read_only } = settingsOf(read);
      return {
        ...{ name: named, url: target.url, kind: target.kind, shown: target.shown },
        intervalMs: interval ?? 5000,
        timeoutMs: timeout ?? 2000,
        passwordFile: password_file === undefined ? null : resolve(directory, password_file),
        passwordSecret: password_secret === undefined ? null : secretOf(password_secret),
        readOnly: read_only ?? false,
      };
    });
    return all.length === 0 ? null : { dependencies: all };
  },
  ofApplication({ depends_on: names = [] }): DependsOnSpec | null {
    return names.length === 0 ? null : { names: [...new Set(names)] };
  },
  review({ file, applications, hasAllApplications }, findings) {
    const { dependencies: written = {} } = file.read;
    const needed = new Set(applications.flatMap(({ read }) => read.depends_on ?? []));
    const names = applications.map((one) => one.name);
    for (const [named, read] of Object.entries(written))
      reviewOne(named, read, needed.has(named) || !hasAllApplications, names, findings);
    // Those that are written wrongly are none yet.
    const areKnown = file.read.dependencies !== undefined || !Object.hasOwn(file.read, 'dependencies');
    for (const { path: at, read } of areKnown ? applications : []) {
      for (const [index, one] of (read.depends_on ?? []).entries()) {
        if (Object.hasOwn(written, one)) continue;
        const [meant] = nearest(one, Object.keys(written), 1);
        findings.errorAtValue(
          read.depends_on?.length === 1 ? [...at, 'depends_on'] : [...at, 'depends_on', index],
          `there is no dependency "${one}"`,
          meant === undefined ? 'add it to "dependencies", or remove it here' : `did you mean "${meant}"?`,
        );
      }
    }
  },
});

function reviewOne(
  named: string,
  read: DependencyRead,
  isNeeded: boolean,
  applications: readonly string[],
  findings: Findings,
): void {
  const at = ['dependencies', named];
  const settings = settingsOf(read);
  const { url: target, timeout = 2000, interval = 5000, password_file, password_secret, read_only } = settings;
  if (!isNeeded)
    findings.warnAtKey(
      at,
      'no application depends on it: no incident will name it',
      'name it in "depends_on" of the application that needs it',
    );
  for (const key of ['password_file', 'password_secret'] as const) {
    if (settings[key] === undefined) continue;
    if (target.hasPassword) findings.errorAtKey([...at, key], 'the URL has a password already', 'keep one of the two');
    if (!dependencyKinds[target.kind].hasLogin)
      findings.warnAtKey([...at, key], 'it has no effect: this check knows no login', 'remove it');
  }
  if (password_file !== undefined && password_secret !== undefined)
    findings.errorAtKey([...at, 'password_secret'], 'there is `password_file` too', 'keep one of the two');
  const owner = password_secret === undefined ? null : secretOf(password_secret).application;
  if (owner !== null && !applications.includes(owner))
    findings.errorAtValue(
      [...at, 'password_secret', 'application'],
      `there is no application "${owner}"`,
      'name one of `applications`, or remove the key',
    );
  if (read_only === true && !dependencyKinds[target.kind].hasReplicas)
    findings.warnAtKey([...at, 'read_only'], 'it has no effect: this check does not see replicas', 'remove it');
  if (timeout > interval)
    findings.warnAtKey(
      'hasPassword' in read || read.timeout === undefined ? [...at, 'interval'] : [...at, 'timeout'],
      'a check may take longer than the interval: the next one waits for it',
      'write a timeout that is shorter than the interval',
    );
}
