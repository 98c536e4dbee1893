import type { GatewayStatus, InstanceStatus } from '../core/schemas/status.ts';
import type { RequestContextJson } from '../core/schemas/output.ts';
import { attemptsTexts, processFacts, processStrains } from '#failures/process-text.ts';
import { memoryText } from '#failures/quantity-text.ts';
import { harmless, wrap, wrapAfter } from './layout.ts';
import { statusMark } from './status-mark.ts';
import type { Style } from './style.ts';

/** A part of an explanation: the processes of the instances that had the request, as they were. */
export function processLines({ processes }: RequestContextJson, style: Style): string[] {
  const rows = processes.flatMap(({ instance, pid, attempts, summary, remarks }) => [
    `  ${style.name(harmless(instance))}  ${style.dim([`pid ${pid}`, ...attemptsTexts(attempts)].join(', '))}`,
    ...remarks.flatMap((remark) => wrap(harmless(remark), '    ').map((row) => style.warn(row))),
    ...(summary === '' ? [] : wrap(harmless(summary), '    ').map((row) => style.dim(row))),
  ]);
  return rows.length === 0 ? [] : ['', `${style.bold('PROCESS')}  of the application, as it was then`, ...rows];
}

/** What the process of an instance uses, for the status. */
export function usageLines({ usage }: Pick<InstanceStatus, 'usage'>, style: Style): readonly string[] {
  if (usage === null) return [];
  const indent = '        ';
  return [
    // Its row says since when it has been so.
    ...wrap(processFacts({ ...usage, ageMs: null }).join(', '), indent).map((row) => style.dim(row)),
    ...processStrains(usage).flatMap((strain) => wrap(strain, indent).map((row) => style.warn(row))),
  ];
}

/** Logs that applications write. */
export function logFileLines({ logFiles }: Pick<GatewayStatus, 'logFiles'>, style: Style): string[] {
  return logFiles.flatMap(({ owner, path, state, reason, skippedBytes }) => {
    const tone = state === 'unreadable' ? 'bad' : state === 'absent' || skippedBytes > 0 ? 'warn' : 'good';
    const skipped = skippedBytes === 0 ? '' : `; ${memoryText(skippedBytes)} skipped: it grew too fast`;
    const text = `${path} of ${owner} ${state === 'following' ? 'is followed' : `is not followed: ${reason}`}${skipped}`;
    return wrapAfter(`  ${statusMark(tone, style)}`, harmless(text), 5);
  });
}
