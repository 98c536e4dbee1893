import type { ApplicationReleasesStatus, RolloutStatus } from '../core/schemas/releases.ts';
import { rolloutText } from '../diagnose/rollout-text.ts';
import { alignColumns, elapsedText, harmless, wrapAfter } from './layout.ts';
import { statusMark, type Style } from './style.ts';

/** Whether another line would say the same. */
export function sameStep(one: RolloutStatus, other: RolloutStatus): boolean {
  return one.state === other.state && one.share === other.share && one.reason === other.reason;
}

/** What a rollout does now, in one sentence. */
export function rolloutLine(rollout: RolloutStatus, style: Style): readonly string[] {
  const { state, to } = rollout;
  const isBad = state === 'refused' || state === 'aborted' || state === 'interrupted';
  const mark = isBad ? statusMark('bad', style) : state === 'promoted' ? statusMark('good', style) : style.dim('·');
  return wrapAfter(mark, `${harmless(to)} ${harmless(rolloutText(rollout))}`, 2);
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
  { application, inForce, warm, rollout, releases, rollouts }: ApplicationReleasesStatus,
  now: number,
  style: Style,
): readonly string[] {
  const ago = (at: string): string => `${elapsedText((now - Date.parse(at)) / 1000)} ago`;
  if (inForce === null)
    return [
      style.bold(harmless(application)),
      `  never deployed: \`candor deploy ${harmless(application)}\` makes its first release`,
    ];
  const nameOf = new Map(releases.map(({ number, name }) => [number, name]));
  const stateOf = (name: string): string =>
    name === inForce ? style.good('in force') : name === warm ? 'warm' : name === rollout?.to ? 'being rolled out' : '';
  return [
    style.bold(harmless(application)),
    ...(rollout === null ? [] : rolloutLine(rollout, style).map((line) => `  ${line}`)),
    ...alignColumns(
      releases.map(({ name, from, actor, createdAt }) => [
        ...[harmless(name), stateOf(name), ago(createdAt), `${from.kind} ${harmless(from.text)}`, harmless(actor)],
      ]),
      '  ',
    ),
    ...(rollouts.length === 0 ? [] : ['', style.dim('  rollouts')]),
    ...rollouts
      .slice(0, 10)
      .flatMap(({ to, state, reason, beganAt }) =>
        wrapAfter(
          `  ${statusMark(state === 'promoted' ? 'good' : 'bad', style)}`,
          `${harmless(nameOf.get(to) ?? String(to))} ${state}, ${ago(beganAt)}${reason === null ? '' : `: ${harmless(reason)}`}`,
          4,
        ),
      ),
  ];
}
