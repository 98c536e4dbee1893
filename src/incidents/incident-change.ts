import type { LiveIncident } from '../core/live-incident.ts';
import { upperShare } from '../core/upper-share.ts';
import { silentS } from './incident-end.ts';
import type { OpenIncident } from './open-incident.ts';
import { shareOfRoutes } from './rarer-failures.ts';
import type { UpstreamFailures } from './upstream-failures.ts';

/** Reported again when it has this many times the failures. */
const growthTimes = 10;

/** The number of an incident that opens. */
export interface IncidentNumber {
  readonly id: number;
  /** Failures that an earlier process has counted of it; 0: it is new. */
  readonly sizeBefore: number;
}

/** What people are told of an incident. */
export interface IncidentChange {
  /** `corrected`: another cause than the one that was told when it opened is the likeliest. */
  readonly kind: 'opened' | 'grown' | 'corrected' | 'resolved';
  readonly incident: LiveIncident;
}

/** What people are told of it now, and how much of its requests fail, is what is compared later. */
export function noteOpening(open: OpenIncident, all: readonly UpstreamFailures[], second: number): void {
  const { requests, failed } = shareOfRoutes(open, all, second, Math.min(silentS, second - open.startSecond + 1));
  // What is certain of it: the first failures may come together by chance.
  open.worstShare = requests === 0 ? 0 : 1 - upperShare(requests - failed, requests);
  // An earlier process has told its cause, and its facts are gone.
  if (open.sizeBefore === 0) open.reportedCause.report(open.suspects);
}

/** What the tracker reports of an open incident: that it has opened, or has grown; null: it has reported that already. */
export function changeOf(open: OpenIncident, incident: LiveIncident, isAdded: boolean): IncidentChange | null {
  const size = open.size + open.sizeBefore;
  const kind = open.reported === 0 ? 'opened' : isAdded || size >= open.reported * growthTimes ? 'grown' : null;
  if (kind === null) return null;
  open.reported = Math.max(1, size);
  return { kind, incident };
}
