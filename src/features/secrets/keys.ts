/** Secrets of applications: which of the store a program gets, and how. */
import * as z from 'zod';
import { declare } from '../../schema/default.ts';
import type { ErrorDetail } from '../../schema/error-detail.ts';
import { quoted, reject } from '../../schema/error-detail.ts';
import type { Findings, Path } from '../../schema/findings.ts';
import { parsed } from '../../schema/leaves.ts';
import { hide } from '../../schema/schema-parts.ts';
import { key, section } from '../../schema/section.ts';
import { type Result, succeed } from '#failures/result.ts';
import { type FeatureKeys, featureKeys } from '../feature-keys.ts';
import { secretsName, type SecretsSpec, type SecretUse } from './settings.ts';

const absent = {
  as: declare('variable', 'Most programs read a variable.'),
  secret: declare('the name of the variable', 'One name for one thing.'),
};

export const secretName = parsed(parseSecretName, { kind: 'name of a secret', examples: ['DATABASE_URL', 'db-url'] });

const oneUse = z.union([
  secretName,
  section({
    secret: key(secretName, 'Its name in the store.', absent.secret),
    as: key(
      z.enum(['variable', 'file']),
      '`file`: the variable has the path of a file with the value, which the user of the program alone can read, and which is removed when the program has ended.',
      absent.as,
    ),
  }),
]);

const applicationKeys = {
  secrets: key(
    // Who writes a value in place of a name sees it in no message.
    hide(z.union([z.array(secretName), z.record(z.string(), oneUse)]), 'secret_name'),
    'Secrets that its programs get as variables, by name; or a map of variables: `{ DATABASE_URL: db-url, TLS_KEY: { secret: tls-key, as: file } }`. `candor secret set <name>` gives them their values, which stand in no file of the configuration. Where one changes, new instances take the place of the old ones.',
  ),
};

type ApplicationRead = z.output<z.ZodObject<typeof applicationKeys>> & {
  readonly environment?: Readonly<Record<string, unknown>> | undefined;
};

/** Their values are what the gateway decides. */
const ownVariables = ['PORT', 'HOST'];
const aList = 'write a list of names: [DATABASE_URL, STRIPE_KEY]';
const variablePattern = /^[A-Za-z_]\w*$/;

export const secrets: FeatureKeys = featureKeys<object, object, object, ApplicationRead>({
  name: secretsName,
  applicationKeys,
  forms: { secrets: { example: '[DATABASE_URL]', off: 'remove the key', on: aList, otherwise: aList } },
  ofApplication({ secrets: read }): SecretsSpec | null {
    const uses = usesOf(read);
    return uses.length === 0 ? null : { uses };
  },
  review({ applications }, findings) {
    for (const { path, read } of applications) reviewOne(read, path, findings);
  },
});

function usesOf(read: ApplicationRead['secrets']): readonly SecretUse[] {
  if (read === undefined) return [];
  if (Array.isArray(read)) return [...new Set(read)].map((name) => ({ variable: name, secret: name, as: 'variable' }));
  return Object.entries(read).map(([variable, use]) => {
    const { secret = variable, as = 'variable' } = typeof use === 'string' ? { secret: use } : use;
    return { variable, secret, as };
  });
}

function reviewOne({ secrets: read, environment }: ApplicationRead, application: Path, findings: Findings): void {
  const at = [...application, 'secrets'];
  if (read !== undefined && usesOf(read).length === 0)
    findings.warnAtKey(at, 'no secret is named', 'remove it, or write a list of names');
  if (Array.isArray(read))
    read.forEach((name, index) => {
      if (read.indexOf(name) < index) findings.warnAtValue([...at, index], `${name} is there twice`, 'remove one');
    });
  for (const { variable } of usesOf(read)) {
    const where = Array.isArray(read) ? [...at, read.indexOf(variable)] : [...at, variable];
    if (!variablePattern.test(variable))
      findings.errorAtKey(
        where,
        `${quoted(variable)} is no name of a variable: letters, digits and _, and no digit first`,
        `write { ${variable.replaceAll(/\W/g, '_').toUpperCase()}: ${variable} }`,
      );
    else if (ownVariables.includes(variable) || variable.startsWith('CANDOR_'))
      findings.errorAtKey(where, `the gateway itself gives programs ${variable}`, 'choose another variable');
    else if (environment !== undefined && Object.hasOwn(environment, variable))
      findings.errorAtKey(
        where,
        `${variable} is in \`environment\` too`,
        'remove it there: what stands there is no secret',
      );
  }
}

function parseSecretName(text: string): Result<string, ErrorDetail> {
  if (/^[A-Za-z_][\w.-]{0,127}$/.test(text)) return succeed(text);
  const [name, ...rest] = text.split('=');
  if (rest.length > 0 && /^[A-Za-z_][\w.-]*$/.test(name ?? ''))
    return reject(
      'the name of a secret stands here, and never its value',
      'write its name alone, and give it its value by `candor secret set <name>`',
    );
  return reject(
    'a name of a secret has letters, digits and ._-, and begins with a letter or _',
    'write its name alone',
  );
}
