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
import { parseNetwork } from '../../schema/format/network.ts';
import { matchesOf, valueMatch } from '../../schema/value-match.ts';
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
  build_timeout: declare('10m', 'An installation without a cache takes minutes.'),
  before_timeout: declare('10m', 'Migrations of larger databases take minutes.'),
  persistent: declare('[]', 'A release owns its files.'),
  assets: declare('none', 'A page that the new release has removed would still be there for a time.'),
  answers_may_change: declare('false', 'A page that is missing harms visitors as much as one that fails.'),
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
    'Of a canary: shares of requests, each with how long the new release has it; with `canary_for` the times alone.',
    absent.steps,
  ),
  canary_for: key(
    section({
      headers: key(
        hide(z.record(z.string(), valueMatch), 'header', 'value'),
        'Headers: a value, or `{ present: true }` for any.',
      ),
      cookies: key(hide(z.record(z.string(), valueMatch), 'header', 'value'), 'Cookies, likewise.'),
      clients: key(
        z.array(parsed(parseNetwork, { kind: 'network', examples: ['10.0.0.0/8'] })),
        'Addresses of clients.',
      ),
    }),
    'Of a canary: during its steps the new release gets the requests that one of these matches, and no others. Nothing is compared then.',
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
  build: key(
    hide(z.union([text, z.array(text).min(1)]), 'command', 'build'),
    'What makes a release of its source, such as `npm ci && npm run build`: a text for `sh -e`, or a program and its arguments. `candor deploy` runs it in a copy of the files, with `environment`; the release is what it leaves there. If it does not end with 0, the release is refused.',
  ),
  build_timeout: key(duration, 'How long it may run; then it is killed.', absent.build_timeout),
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
  assets: key(
    z.enum(['previous', 'none']),
    '`previous`: while the old release runs, it is asked for what the new one answers with 404 (GET and HEAD): a page of the old release may name scripts and images that only the old one has.',
    absent.assets,
  ),
  answers_may_change: key(
    z.boolean(),
    '`true`: a release may answer otherwise than the one before: with 404, a redirect, nothing, a page in place of data, or much less. Without it such a release is taken back. For one release alone: `candor deploy --answers-change`.',
    absent.answers_may_change,
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
    const { headers, cookies, clients = [] } = written.canary_for ?? {};
    const steps = (written.steps ?? usualSettings.steps).map(({ share, forMs }) => ({ share: share ?? 0, forMs }));
    const forMs = steps.reduce((sum, step) => sum + step.forMs, 0);
    const lowercase = matchesOf(headers).map(({ name, value }) => ({ name: name.toLowerCase(), value }));
    return {
      strategy: written.strategy ?? usualSettings.strategy,
      steps: written.canary_for === undefined ? steps : [{ share: 0, forMs }],
      canaryFor: written.canary_for === undefined ? null : { headers: lowercase, cookies: matchesOf(cookies), clients },
      readyMs: written.ready_timeout ?? usualSettings.readyMs,
      bakeMs: written.bake ?? usualSettings.bakeMs,
      warmMs: written.warm === undefined ? usualSettings.warmMs : (written.warm ?? 0),
      build: typeof written.build === 'string' ? ['/bin/sh', '-ec', written.build] : (written.build ?? null),
      buildMs: written.build_timeout ?? usualSettings.buildMs,
      before: written.before ?? null,
      jobMs: written.before_timeout ?? usualSettings.jobMs,
      keepMax: written.keep ?? usualSettings.keepMax,
      persistent: written.persistent ?? usualSettings.persistent,
      assets: written.assets ?? usualSettings.assets,
      answersMayChange: written.answers_may_change ?? usualSettings.answersMayChange,
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
  const { steps = [], canary_for: canaryFor } = written;
  if (written.strategy !== 'canary')
    for (const name of ['steps', 'canary_for'] as const)
      if (written[name] !== undefined)
        findings.warnAtKey([...at, name], `only a canary has ${quoted(name)}`, 'add "strategy: canary", or remove it');
  if (canaryFor !== undefined && Object.values(canaryFor).every((some = []) => Object.keys(some).length === 0))
    findings.errorAtKey([...at, 'canary_for'], 'no request is named', 'add "headers", "cookies" or "clients"');
  for (const [index, { share }] of steps.entries())
    if (share === null && canaryFor === undefined)
      findings.errorAtValue([...at, 'steps', index], 'the step has no share', 'write a share before it, such as 5% 1m');
    else if (share !== null && canaryFor !== undefined)
      findings.warnAtValue([...at, 'steps', index], 'with "canary_for" no request is drawn', 'write the time alone');
}

/** '5% 1m'; a time alone: the share is null. */
function parseStep(written: string): Result<{ share: number | null; forMs: number }, ErrorDetail> {
  const alone = parseDuration(written);
  if (alone.ok) return succeed({ share: null, forMs: alone.value });
  const [percent = '', time = '', ...rest] = written.trim().split(/\s+/);
  if (time === '' || rest.length > 0)
    return reject(`${quoted(written)} is no step`, 'write a share and a time, such as 5% 1m');
  const share = parsePercent(percent);
  if (!share.ok) return share;
  const forMs = parseDuration(time);
  return forMs.ok ? succeed({ share: share.value, forMs: forMs.value }) : forMs;
}
