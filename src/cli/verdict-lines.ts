import { shownVerdict } from '../core/shown-verdict.ts';
import type { GatewayStatus, MinuteFigures } from '../control/gateway-status.ts';
import { harmless, wrapAfter } from './layout.ts';
import { statusMark } from './status-mark.ts';
import type { Style } from './style.ts';

const verdictTones = {
  ok: 'good',
  degraded: 'warn',
  maintenance: 'warn',
  failing: 'bad',
  idle: 'dim',
  unknown: 'dim',
} as const;

/** A gateway of an earlier version has no verdict and finds no incidents. */
interface JudgedStatus extends Partial<Pick<GatewayStatus, 'verdict' | 'incidents'>> {
  readonly lastMinute: Pick<MinuteFigures, 'requests' | 'errors'>;
}

/** What does not serve as it should; the figures of a gateway that does are below. */
export function verdictLines({ verdict, incidents = [], lastMinute }: JudgedStatus, style: Style): string[] {
  if (verdict === undefined) return [];
  const { state, reason } = shownVerdict(verdict, { ...lastMinute, incidents: incidents.length });
  if (state === 'ok') return [];
  return wrapAfter(`  ${statusMark(verdictTones[state], style)}`, harmless(`${state}: ${reason}`), 5);
}
