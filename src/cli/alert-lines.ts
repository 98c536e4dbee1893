import type { AlertTargetStatus } from '../core/schemas/alerts.ts';
import { countText, elapsedText, harmless, wrap, wrapAfter } from './layout.ts';
import { statusMark } from './status-mark.ts';
import type { Style } from './style.ts';

/** Who is told of incidents, and whether messages arrive. */
export function alertTargetLines(targets: readonly AlertTargetStatus[], now: number, style: Style): string[] {
  return targets.flatMap((target) => targetLines(target, now, style));
}

function targetLines(
  { id, type, destination, queued, sent, tests, failed, lastSentAt, failure }: AlertTargetStatus,
  now: number,
  style: Style,
): string[] {
  const last = lastSentAt === null ? '' : `, the last ${elapsedText((now - Date.parse(lastSentAt)) / 1000)} ago`;
  const counts = [
    `${sent} sent${last}`,
    ...(tests > 0 ? [countText(tests, 'test')] : []),
    ...(queued > 0 ? [`${queued} waiting`] : []),
    ...(failed > 0 ? [`${failed} given up`] : []),
  ];
  const head = `${style.bold(harmless(id))}  ${type} ${harmless(destination)}: ${counts.join(', ')}`;
  return [
    ...wrapAfter(`  ${statusMark(failure === null ? 'good' : 'bad', style)}`, head, 5),
    ...(failure === null ? [] : wrap(harmless(`${failure.reason}.`), '        ')),
    ...(failure === null ? [] : wrap(harmless(failure.nextStep), '        ').map(style.dim)),
  ];
}
