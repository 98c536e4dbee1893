import type { CauseVerdict, ControlJudgement, OutageJudgement } from './judge.ts';

const percent = (count: number, all: number): string => (all === 0 ? '-' : `${Math.round((count / all) * 100)} %`);
const often = 0.05;
const soonSeconds = 10;

/** A line for each play, and what all of them come to. */
export function judgeTable(outages: readonly OutageJudgement[], controls: readonly ControlJudgement[]): string {
  const judged = outages.filter(({ harm }) => harm !== null);
  const groups: readonly (readonly [string, readonly OutageJudgement[]])[] = [
    ['all', judged],
    ['low rate', judged.filter(({ lowRate }) => lowRate)],
    ['without 5xx', judged.filter(({ no5xx }) => no5xx)],
    ['others', judged.filter(({ lowRate, no5xx }) => !lowRate && !no5xx)],
  ];
  const alarms = controls.filter(({ isFalseAlarm }) => isFalseAlarm).length;
  return [
    columns('outage', 'kind', 'harmed', 'opened', 'at first', '10 s on', 'at end', 'side', 'notes'),
    ...outages.map(outageLine),
    '',
    columns('control', 'kind', 'failed', 'alarm'),
    ...controls.map(controlLine),
    '',
    columns(
      'outages',
      'played',
      'right first',
      'right 10 s',
      'right end',
      'kind alone',
      'side',
      'never',
      'soon, early',
    ),
    ...groups.map(([name, group]) => groupLine(name, group)),
    '',
    `false alarms in controls: ${alarms} of ${controls.length}`,
    `plays without harm, not judged: ${outages.length - judged.length}`,
  ].join('\n');
}

function outageLine(one: OutageJudgement): string {
  const { harm, openedAfter } = one;
  if (harm === null) return columns(one.name, one.kind, 'none', '', '', '', '', '', 'no harm was seen');
  const notes = [
    ...(one.incidents > 1 ? [`${one.incidents} incidents`] : []),
    ...(one.isResolvedEarly ? ['resolved early'] : []),
  ];
  const opened = openedAfter === null ? 'never' : `${openedAfter} s`;
  const harmed = `${(harm.share * 100).toFixed(1)} %`;
  const side = openedAfter === null ? '-' : one.isSideRight ? 'right' : 'wrong';
  return columns(one.name, one.kind, harmed, opened, one.atOpening, one.tenSecondsLater, one.atEnd, side, notes.join());
}

function controlLine({ name, kind, failedShare, isFalseAlarm }: ControlJudgement): string {
  return columns(name, kind, `${(failedShare * 100).toFixed(2)} %`, isFalseAlarm ? 'FALSE ALARM' : '-');
}

function groupLine(name: string, group: readonly OutageJudgement[]): string {
  const all = group.length;
  const share = (is: (one: OutageJudgement) => boolean): string => percent(group.filter(is).length, all);
  const right = (verdict: (one: OutageJudgement) => CauseVerdict): string => share((one) => verdict(one) === 'right');
  const frequent = group.filter(({ harm }) => (harm?.share ?? 0) >= often);
  const soon = frequent.filter(({ openedAfter }) => openedAfter !== null && openedAfter <= soonSeconds);
  const early = group.filter(({ isResolvedEarly }) => isResolvedEarly).length;
  return columns(
    name,
    String(all),
    right(({ atOpening }) => atOpening),
    right(({ tenSecondsLater }) => tenSecondsLater),
    right(({ atEnd }) => atEnd),
    share(({ atEnd }) => atEnd === 'right' || atEnd === 'unnamed'),
    share(({ isSideRight }) => isSideRight),
    share(({ openedAfter }) => openedAfter === null),
    `opened within ${soonSeconds} s: ${soon.length} of ${frequent.length} with 5 % harmed; resolved early: ${early}`,
  );
}

const widths = [36, 20, 12, 10, 10, 11, 10, 7];

function columns(...texts: readonly string[]): string {
  return texts
    .map((text, index) => text.padEnd(widths[index] ?? 0))
    .join(' ')
    .trimEnd();
}
