import { type Alert, type AlertTargetSpec, alertKinds } from '../core/alert.ts';
import type { Event, EventKind, EventSink, NewEvent } from '../core/event.ts';

/** What tests of alerts begin with. */
export const alertSample: Alert = {
  id: 'run-1-7',
  key: 'incident:run-1-3',
  kind: 'incident',
  change: 'opened',
  severity: 'critical',
  at: Date.UTC(2026, 0, 1),
  deployment: 'shop',
  member: 'gw-1',
  subject: 'upstream:api',
  upstream: 'api',
  upstreams: ['api'],
  about: 'incident:api:gone',
  routes: ['/api'],
  title: 'incident 3 at api: 41 of 60 requests failed',
  text: 'Incident 3: the application refused the connection. api/1 ended by itself.',
  evidence: ['api/1 ended by itself.'],
  nextStep: "Look at the application's last output.",
  incident: 3,
  steps: [],
};

export const targetSample: AlertTargetSpec = {
  id: 'oncall',
  kinds: alertKinds,
  changes: ['opened', 'grown', 'corrected', 'resolved'],
  severityMin: 'info',
  upstreams: [],
  routes: [],
  channel: { type: 'webhook', url: 'http://127.0.0.1:1/', token: null, ca: [] },
};

/** Keeps what is emitted. */
export class EmittedEvents implements EventSink {
  readonly all: NewEvent[] = [];

  emit<K extends EventKind>(event: NewEvent<K>): void {
    this.all.push(event as unknown as NewEvent);
  }

  get kinds(): readonly string[] {
    return this.all.map(({ kind, to }) => (to === undefined ? kind : `${kind} ${to}`));
  }
}

export function eventOf<K extends EventKind>(event: NewEvent<K>, seq = 1, at = Date.UTC(2026, 0, 1)): Event {
  const rest = { epoch: 'run-1', seq, at, member: 'gw-1', worker: null, revision: 1, actor: 'gateway' };
  return { from: null, to: null, ...rest, ...event } as unknown as Event;
}
