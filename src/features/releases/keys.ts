/** How releases of an application are made and rolled out (`candor deploy`). */
import * as z from 'zod';
import type { Result } from '#failures/result.ts';
import { succeed } from '#failures/result.ts';
import { rolloutStrategies } from '../../core/release.ts';
import { declare } from '../../schema/default.ts';
import { type ErrorDetail, quoted, reject } from '../../schema/error-detail.ts';
import type { Findings, Path } from '../../schema/findings.ts';
import { parseDuration } from '../../schema/format/duration.ts';
import { splitCommandLine } from '../../schema/format/command-line.ts';
import { parsePercent } from '../../schema/format/percent.ts';
import { duration, durationOrNone, parsed, text } from '../../schema/leaves.ts';
import { hide } from '../../schema/schema-parts.ts';
import { key, section } from '../../schema/section.ts';
import { type FeatureKeys, featureKeys } from '../feature-keys.ts';
import { releasesName, type ReleaseSettings, usualSettings } from './settings.ts';

const absent = {
  strategy: declare('blue_green', 'No visitor meets two releases, and a rollback is a change of routing.'),
  steps: declare('[5% 1m, 25% 1m, 50% 1m]', 'One percent of failures shows at a few requests a second.'),
  ready_timeout: declare('2m', 'Larger programs need a minute.'),
  bake: declare('30s', 'Most bad releases show at once.'),
  warm: declare('10m', 'Most rollbacks come soon.'),
  keep: declare('5', 'Older ones have hardly ever been gone back to.'),
  before_timeout: declare('10m', 'Migrations of larger databases take minutes.'),
  persistent: declare('[]', 'A release owns its files.'),
  response_header: declare('false', 'Visitors need not know what is released when.'),
};

const schema = section({
  strategy: key(
    z.enum(rolloutStrategies),
    '`blue_green`: all instances start beside the old ones, and then get all requests at once. `canary`: they get them in `steps`, compared with the old ones. `rolling`: one instance after the other is replaced, with the memory of one more.',
    absent.strategy,
  ),
  steps: key(
    z.array(parsed(parseStep, { kind: 'step', examples: ['5% 1m'] })),
    'Of a canary: shares of requests, each with how long the new release has it.',
    absent.steps,
  ),
  ready_timeout: key(
    duration,
    'How long the new instances may take until all are ready. After that the release is refused, and nothing has changed.',
    absent.ready_timeout,
  ),
  bake: key(
    duration,
    'For how long the release is watched when it has all requests. If it looks worse than the one before, that one gets them again.',
    absent.bake,
  ),
  warm: key(
    durationOrNone,
    'For how long the instances of the release before run on, without requests, so that a rollback takes no start; or `none`.',
    absent.warm,
  ),
  before: key(
    hide(z.union([parsed(splitCommandLine, { kind: 'command line' }), z.array(text).min(1)]), 'command', 'before'),
    'A program that runs once in the new files before their instances start, such as a migration. If it does not end with 0, the release is refused. A rollback runs none.',
  ),
  before_timeout: key(duration, 'How long it may run; then it is killed.', absent.before_timeout),
  keep: key(z.number().int().min(2).max(50), 'How many releases are kept, for rollbacks.', absent.keep),
  persistent: key(
    z.array(z.string()),
    'Files and folders of the application that outlive releases, such as uploads and SQLite files: each is a link out of the tree. The first release brings their content.',
    absent.persistent,
  ),
  response_header: key(
    z.boolean(),
    '`true`: responses of the application have the header `X-Candor-Release` with the name of the release that has answered. One that the application writes itself is replaced.',
    absent.response_header,
  ),
});

/** Of an application. */
const upstreamKeys = {
  releases: key(schema, 'How releases are rolled out that `candor deploy` makes.'),
};

type UpstreamRead = z.output<z.ZodObject<typeof upstreamKeys>>;

export const releases: FeatureKeys = featureKeys<object, UpstreamRead>({
  name: releasesName,
  upstreamKeys,
  forms: { releases: { example: '{ strategy: canary }' } },
  ofUpstream({ releases: written }): ReleaseSettings | null {
    if (written === undefined) return null;
    return {
      strategy: written.strategy ?? usualSettings.strategy,
      steps: written.steps ?? usualSettings.steps,
      readyMs: written.ready_timeout ?? usualSettings.readyMs,
      bakeMs: written.bake ?? usualSettings.bakeMs,
      warmMs: written.warm === undefined ? usualSettings.warmMs : (written.warm ?? 0),
      before: written.before ?? null,
      jobMs: written.before_timeout ?? usualSettings.jobMs,
      keepMax: written.keep ?? usualSettings.keepMax,
      persistent: written.persistent ?? usualSettings.persistent,
      responseHeader: written.response_header ?? usualSettings.responseHeader,
    };
  },
  review({ upstreams }, findings) {
    for (const { path, read } of upstreams)
      if (read.releases !== undefined) reviewOne(read.releases, [...path, 'releases'], findings);
  },
});

function reviewOne(written: NonNullable<UpstreamRead['releases']>, at: Path, findings: Findings): void {
  if (at[0] !== 'applications') findings.warnAtKey(at, 'only applications that Candor runs have releases', 'remove it');
  if (written.steps !== undefined && written.strategy !== 'canary')
    findings.warnAtKey([...at, 'steps'], 'only a canary has steps', 'add "strategy: canary", or remove them');
}

/** '5% 1m' */
function parseStep(written: string): Result<{ share: number; forMs: number }, ErrorDetail> {
  const [percent = '', time = '', ...rest] = written.trim().split(/\s+/);
  if (time === '' || rest.length > 0)
    return reject(`${quoted(written)} is no step`, 'write a share and a time, such as 5% 1m');
  const share = parsePercent(percent);
  if (!share.ok) return share;
  const forMs = parseDuration(time);
  return forMs.ok ? succeed({ share: share.value, forMs: forMs.value }) : forMs;
}
