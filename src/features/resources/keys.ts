/** What may be written about the limits, the user and the isolation of an application. */
import * as z from 'zod';
import { type Result, succeed } from '#failures/result.ts';
import { declare, describe } from '../../schema/default.ts';
import { type ErrorDetail, quoted, reject } from '../../schema/error-detail.ts';
import type { Findings, Path } from '../../schema/findings.ts';
import { decimal, parsed, sizeFrom, whole } from '../../schema/leaves.ts';
import { key, section } from '../../schema/section.ts';
import { type FeatureKeys, featureKeys } from '../feature-keys.ts';
import { type LimitsSpec, resourcesName, type ResourceSpec, type UserSpec } from './settings.ts';

const absent = {
  limits: describe('none', 'Only the operator knows what an application may take from the others.'),
  memory: describe('no limit', 'What an application needs is not known.'),
  user: describe('the user of the gateway', 'Only root may choose another one.'),
  isolation: declare('none', 'Programs write where nobody expects it, and would fail.'),
};

const limits = section({
  memory: key(
    sizeFrom({ written: '8MiB', why: 'no program runs with less' }),
    'Memory, of all its processes together. Above it the kernel kills one of them; the reason names the limit and what came before.',
    absent.memory,
  ),
  cpu: key(
    decimal(0.01, 1024),
    'Cores: `1.5` is one and a half. Above it the processes wait for the next tenth of a second.',
    absent.memory,
  ),
  processes: key(whole(1, 1_000_000), 'Processes and threads. Above it no more can be started.', absent.memory),
  descriptors: key(whole(16, 1_000_000_000), 'Open files and sockets, of each process by itself.', absent.memory),
  nice: key(
    z.int().min(-20).max(19),
    'How far it stands behind others (19) or before them (-20) where CPU time is short.',
    describe('that of the gateway', 'Where time is not short it changes nothing.'),
  ),
  io: key(
    sizeFrom({ written: '64KiB', why: 'no program comes up with less' }),
    'Bytes a second that its processes together may read, and as many that they may write, on the disk of its directory. Control groups of version 2 alone hold it.',
    absent.memory,
  ),
});

const applicationKeys = {
  limits: key(
    limits,
    'What each process of the application may use: an instance, a worker, a run of a job, a build. Held by control groups where the machine has them; `candor status` says by what.',
    absent.limits,
  ),
  user: key(
    parsed(parseUser, {
      kind: 'user',
      examples: ['www-data', 'www-data:adm'],
      bare: (value) => ({ message: `the number ${value} is no text`, suggestion: `write "${value}" in quotes` }),
    }),
    'As whom its processes run: a name or a number, also with a group. Only a gateway that runs as root can do so.',
    absent.user,
  ),
  isolation: key(
    z.enum(['none', 'strict']),
    '`strict`: its processes get no new privileges, see no others, have a /tmp of their own, and may write in their directory (of a release: in its `persistent` paths) alone. Needs bubblewrap.',
    absent.isolation,
  ),
};

type ApplicationRead = z.output<z.ZodObject<typeof applicationKeys>> & {
  readonly releases?: { readonly persistent?: readonly string[] };
};

export const resources: FeatureKeys = featureKeys<object, object, object, ApplicationRead>({
  name: resourcesName,
  applicationKeys,
  forms: {
    limits: { example: '{ memory: 512MiB, cpu: 1.5 }', stands: ['memory'] },
    user: { example: 'www-data' },
    isolation: { example: 'strict', off: 'write none, or remove it', on: 'write strict' },
  },
  ofApplication({ limits: written, user, isolation = 'none', releases }): ResourceSpec | null {
    const spec = limitsOf(written);
    if (Object.keys(spec).length === 0 && user === undefined && isolation === 'none') return null;
    return { limits: spec, user: user ?? null, isolation, persistent: releases?.persistent ?? [] };
  },
  review({ applications }, findings) {
    for (const { path, read } of applications) reviewOne(read, path, findings);
  },
});

function limitsOf({ memory, cpu, processes, descriptors, nice, io }: z.output<typeof limits> = {}): LimitsSpec {
  return {
    ...(memory === undefined ? {} : { memoryBytes: memory }),
    ...(cpu === undefined ? {} : { cpus: cpu }),
    ...(processes === undefined ? {} : { processes }),
    ...(descriptors === undefined ? {} : { descriptors }),
    ...(nice === undefined ? {} : { nice }),
    ...(io === undefined ? {} : { ioBytesPerS: io }),
  };
}

function reviewOne({ limits: written, isolation, user }: ApplicationRead, at: Path, findings: Findings): void {
  if (written !== undefined && Object.keys(written).length === 0)
    findings.warnAtKey([...at, 'limits'], 'no limit is named', 'add one, such as "memory: 512MiB", or remove it');
  if (isolation === 'strict' && isRoot(user))
    findings.warnAtKey(
      [...at, 'user'],
      'an isolated program should not be root, which owns what it may read and the sockets of the gateway',
      'name a user without rights, such as www-data',
    );
}

const isRoot = (user: UserSpec | undefined): boolean => user?.name === 'root' || user?.name === '0';

const namePattern = /^(?:[A-Za-z_][\w.-]{0,31}\$?|\d{1,10})$/;

function parseUser(written: string): Result<UserSpec, ErrorDetail> {
  const [name = '', group = null, ...rest] = written.split(':');
  if (rest.length > 0 || !namePattern.test(name) || (group !== null && !namePattern.test(group)))
    return reject(`${quoted(written)} is no user`, 'write a name or a number, such as www-data, or www-data:group');
  return succeed({ name, group });
}
