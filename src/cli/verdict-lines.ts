import type { GatewayStatus, MinuteFigures, ServiceVerdict } from '../core/schemas/status.ts';
import { shownVerdict } from '../core/shown-verdict.ts';
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

interface JudgedStatus extends Pick<GatewayStatus, 'verdict' | 'incidents'> {
  readonly lastMinute: Pick<MinuteFigures, 'requests' | 'errors'>;
}

/** How a gateway serves, as the first word that is read of it. One that has no requests serves too. */
export function servingWord(status: JudgedStatus, style: Style): string {
  const { state } = shownState(status);
  return state === 'ok' || verdictTones[state] === 'dim' ? style.good('serving') : style[verdictTones[state]](state);
}

/** What does not serve as it should; the figures of a gateway that does are below. */
export function verdictLines(status: JudgedStatus, style: Style): string[] {
  const { state, reason } = shownState(status);
  if (state === 'ok') return [];
  return wrapAfter(`  ${statusMark(verdictTones[state], style)}`, harmless(`${state}: ${reason}`), 5);
}

function shownState({ verdict, incidents, lastMinute }: JudgedStatus): ServiceVerdict {
  return shownVerdict(verdict, { ...lastMinute, incidents: incidents.length });
}
