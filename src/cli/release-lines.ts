import { digits, memoryText } from '#failures/quantity-text.ts';
import type { RolloutState } from '../core/release.ts';
import type { ApplicationReleasesStatus, ReleasePlan, RolloutStatus } from '../core/schemas/releases.ts';
import { leftText, rolloutText } from '../diagnose/rollout-text.ts';
import { alignColumns, elapsedText, harmless, wrap, wrapAfter } from './layout.ts';
import { statusMark, type Style } from './style.ts';

/** Whether another line would say the same. */
export function sameStep(one: RolloutStatus, other: RolloutStatus): boolean {
  const isSame = one.state === other.state && one.share === other.share && one.reason === other.reason;
  return isSame && one.trouble === other.trouble;
}

/** What a rollout does now, in one sentence. */
export function rolloutLine(rollout: RolloutStatus, style: Style): readonly string[] {
  const { state, to } = rollout;
  return wrapAfter(markOf(state, style), `${harmless(to)} ${harmless(rolloutText(rollout))}`, 2);
}

function markOf(state: RolloutState, style: Style): string {
  const isBad = state === 'refused' || state === 'aborted' || state === 'interrupted';
  return statusMark(isBad ? 'bad' : state === 'promoted' ? 'good' : 'dim', style);
}

/** What changes within a step: '5 % · requests: 12 of r13, 230 of r12 · 41 s left · evidence 3 of 100'. */
export function liveText({ state, from, to, share, leftMs, judgement }: RolloutStatus): string {
  const isStarting = state === 'starting' || state === 'preparing';
  const counts =
    judgement === null || isStarting
      ? []
      : [`requests: ${digits(judgement.fresh.requests)} of ${to}, ${digits(judgement.old.requests)} of ${from}`];
  const evidence =
    judgement === null || isStarting || judgement.limit === 0
      ? []
      : [`evidence ${digits(Math.round(judgement.evidence))} of ${digits(judgement.limit)}`];
  const left = leftMs === null ? [] : [`${leftText(leftMs)} left`];
  const isChosen = state === 'shifting' && share === 0;
  const what = isStarting ? 'starting' : isChosen ? 'canary_for' : `${Math.round(100 * share)} %`;
  return `  ${harmless([what, ...counts, ...left, ...evidence].join(' · '))}`;
}

/** How much of a release is copied, or what its build has printed last; empty where none is. */
export function copyText(making: ApplicationReleasesStatus['making']): string {
  if (making === null) return '';
  const { files, filesTotal, bytes, bytesTotal, build } = making;
  if (build !== null) return `build: ${harmless(build.lastLine ?? `for ${elapsedText(build.forMs / 1000)}`)}`;
  if (filesTotal === 0) return 'reading the files';
  return `copying: ${digits(files)} of ${digits(filesTotal)} files, ${memoryText(bytes)} of ${memoryText(bytesTotal)}`;
}

/** `candor deploy --dry-run` */
export function planLines(plan: ReleasePlan, style: Style): readonly string[] {
  const { application, inForce, strategy, from, files, bytes, build, buildMs, command, environment, remarks } = plan;
  const changes = (['added', 'removed', 'changed'] as const).flatMap((how) =>
    environment[how].length === 0 ? [] : [`${how}: ${environment[how].join(', ')}`],
  );
  // Whether the files differ is known when all of them are read.
  const mayBeSame = command.old === command.fresh && changes.length === 0;
  const unless = mayBeSame ? ', unless nothing has changed' : '';
  const instead = inForce === null ? 'as its first deployed release' : `in place of ${inForce}${unless}`;
  const rows: readonly (readonly [label: string, text: string])[] = [
    ['from', from],
    ['files', `${digits(files)}, ${bytes < 1024 ? `${bytes} bytes` : memoryText(bytes)}`],
    ...(build === null ? [] : [['build', `${build}, for at most ${elapsedText(buildMs / 1000)}`] as const]),
    ['strategy', strategy],
    ['command', command.old === command.fresh ? 'no change' : `${command.fresh} (before: ${command.old})`],
    ['environment', changes.length === 0 ? 'no change' : changes.join('; ')],
  ];
  return [
    style.bold(`${harmless(application)}: would be released ${harmless(instead)}`),
    ...rows.flatMap(([label, text]) => wrapAfter(`  ${label}`, harmless(text), 15)),
    ...remarks.flatMap((remark) => wrap(harmless(remark), '  ')),
    'Nothing was changed.',
  ];
}

/** `candor releases` */
export function releaseLines(
  applications: readonly ApplicationReleasesStatus[],
  now: number,
  style: Style,
): readonly string[] {
  if (applications.length === 0)
    return ['No application with a state folder: nothing can be deployed (docs/releases.md).'];
  return applications.flatMap((one, index) => [...(index === 0 ? [] : ['']), ...linesOf(one, now, style)]);
}

function linesOf(
  { application, inForce, warm, making, rollout, releases, rollouts }: ApplicationReleasesStatus,
  now: number,
  style: Style,
): readonly string[] {
  const ago = (at: string): string => `${elapsedText((now - Date.parse(at)) / 1000)} ago`;
  if (inForce === null)
    return [
      style.bold(harmless(application)),
      `  never deployed: \`candor deploy ${harmless(application)}\` makes its first release`,
    ];
  const endOf = new Map(rollouts.toReversed().map(({ to, state }) => [to, state]));
  const stateOf = (number: number, name: string): string => {
    if (name === inForce) return style.good('in force');
    if (name === warm) return 'warm';
    if (name === rollout?.to) return 'being rolled out';
    const end = endOf.get(number);
    return end === 'aborted' || end === 'refused' ? style.bad(end) : '';
  };
  return [
    style.bold(harmless(application)),
    ...(making === null ? [] : wrap(copyText(making), '  ')),
    ...(rollout === null ? [] : rolloutLine(rollout, style).map((line) => `  ${line}`)),
    ...alignColumns(
      [
        ['', '', 'made', 'from', 'by'].map((head) => style.dim(head)),
        ...releases.map(({ number, name, from, actor, createdAt, builtMs }) => [
          ...[
            harmless(name),
            stateOf(number, name),
            ago(createdAt),
            `${from.kind} ${harmless(from.text)}${builtMs === null ? '' : `, built in ${elapsedText(builtMs / 1000)}`}`,
            harmless(actor),
          ],
        ]),
      ],
      '  ',
    ),
    ...(rollouts.length === 0 ? [] : ['', style.dim('  rollouts')]),
    ...rollouts
      .slice(0, 10)
      .flatMap(({ to, toName, state, reason, verdict, beganAt, endedAt }) =>
        wrapAfter(
          `  ${markOf(state, style)}`,
          `${harmless(toName ?? String(to))} ${state}, ${ago(endedAt ?? beganAt)}${state === 'promoted' && verdict === 'inconclusive' ? '; inconclusive' : ''}${reason === null ? '' : `: ${harmless(reason)}`}`,
          4,
        ),
      ),
  ];
}
