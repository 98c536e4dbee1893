import { digits, memoryText } from '#failures/quantity-text.ts';
import type { ApplicationReleasesStatus, ReleasePlan } from '../core/schemas/releases.ts';
import { makingText } from '../diagnose/rollout-text.ts';
import { alignColumns, elapsedText, harmless, wrap, wrapAfter } from './layout.ts';
import { markOf, rolloutLine } from './release-lines.ts';
import { notInForceText } from './releases-text.ts';
import { statusMark, type Style } from './style.ts';

/** `candor deploy --dry-run` */
export function planLines(plan: ReleasePlan, style: Style): readonly string[] {
  const { application, strategy, from, files, bytes, build, buildMs, command, environment, remarks } = plan;
  const changes = (['added', 'removed', 'changed'] as const).flatMap((how) =>
    environment[how].length === 0 ? [] : [`${how}: ${environment[how].join(', ')}`],
  );
  const rows: readonly (readonly [label: string, text: string])[] = [
    ['from', from],
    ['files', `${digits(files)}, ${bytes < 1024 ? `${bytes} bytes` : memoryText(bytes)}`],
    ...(build === null ? [] : [['build', `${build}, for at most ${elapsedText(buildMs / 1000)}`] as const]),
    ['strategy', strategy],
    ['command', command.old === command.fresh ? 'no change' : `${command.fresh} (before: ${command.old})`],
    ['environment', changes.length === 0 ? 'no change' : changes.join('; ')],
  ];
  return [
    ...wrap(harmless(`${application}: ${planText(plan)}`), '').map(style.bold),
    ...rows.flatMap(([label, text]) => wrapAfter(`  ${label}`, harmless(text), 15)),
    ...remarks.flatMap((remark) => wrap(harmless(remark), '  ')),
    'Nothing was changed.',
  ];
}

const sameContent = 'has the same files, command and environment';

function planText({ inForce, same, build, command, environment }: ReleasePlan): string {
  if (inForce === null) return 'would be released as its first deployed release';
  if (same !== null && same === inForce) return `nothing would change: ${same} is in force, and ${sameContent}`;
  if (same !== null) return `${same}, which ${sameContent}, would be released in place of ${inForce}`;
  const hasSameSettings = command.old === command.fresh && Object.values(environment).flat().length === 0;
  const unless = build !== null && hasSameSettings ? ', unless the build makes the same files again' : '';
  return `would be released in place of ${inForce}${unless}`;
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
  {
    application,
    inForce,
    warm,
    making,
    failedBuild,
    notInForce,
    rollout,
    releases,
    rollouts,
  }: ApplicationReleasesStatus,
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
    ...(making === null ? [] : wrap(harmless(makingText(making)), '  ')),
    ...(failedBuild == null ? [] : failedBuildLines(application, failedBuild, style)),
    ...(notInForce == null
      ? []
      : wrapAfter(`  ${statusMark('warn', style)}`, harmless(notInForceText(notInForce, inForce)), 4)),
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

function failedBuildLines(
  application: string,
  { number, reason }: NonNullable<ApplicationReleasesStatus['failedBuild']>,
  style: Style,
): readonly string[] {
  const text = `${reason} See its log with \`candor releases ${application} --log r${number}\`.`;
  return wrapAfter(`  ${statusMark('bad', style)}`, harmless(text), 4);
}
