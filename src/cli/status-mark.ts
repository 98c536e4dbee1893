import type { Style } from './style.ts';

/** How something is, at a glance. */
export type StatusTone = 'good' | 'warn' | 'bad' | 'dim';

const marks: Record<StatusTone, string> = { good: '✔', warn: '…', bad: '✖', dim: '·' };

export function statusMark(tone: StatusTone, style: Style): string {
  return style[tone](marks[tone]);
}
