import type { GatewayStatus } from '../core/schemas/status.ts';
import { harmless, wrap, wrapAfter } from './layout.ts';
import { statusMark, type Style } from './style.ts';

/** Timeouts that do not fit. */
export function timeoutLines({ timeouts }: Pick<GatewayStatus, 'timeouts'>, style: Style): string[] {
  return timeouts.flatMap(({ kind, reason, nextStep }) => [
    ...wrapAfter(`  ${statusMark(kind === 'longer_than_needed' ? 'dim' : 'warn', style)}`, harmless(reason), 5),
    ...wrap(harmless(nextStep), '        ').map((line) => style.dim(line)),
  ]);
}
