import type { EventJson } from '../core/event-json.ts';

/** Events in words for people. What the API calls things is shown beside them, not instead of them. */

const entryWords: Readonly<Record<string, (target: string, after: Values | null) => string>> = {
  maintenance: (target, after) => `Maintenance switched ${after === null ? 'off' : 'on'} for ${target}`,
  pause: (target, after) => `Requests for ${target} ${after === null ? 'no longer paused' : 'paused'}`,
  drain: (target, after) => `Drain of ${target} ${after === null ? 'ended' : 'begun'}`,
  eject: (target, after) =>
    after === null ? `Ejection of ${target} ended` : `Ejected ${target}${ejectionText(after)}`,
  weight: (target, after) =>
    `Weight of ${target} ${after === null ? 'as in the file again' : `set to ${String(after['weight'])}`}`,
};

type Values = Readonly<Record<string, unknown>>;

/** 'Maintenance switched on for route shop': what an event `overlay_changed` has changed. */
export function overlayWords({
  subject,
  reason,
  evidence,
}: Pick<EventJson, 'subject' | 'reason' | 'evidence'>): string {
  const { after = null } = evidence as { readonly after?: Values | null };
  return overlayEntryWords(subject, after) ?? reason;
}

/** The same of an entry, 'overlay:maintenance:shop', and its new values; null: the page does not know its kind. */
export function overlayEntryWords(subject: string, after: Values | null): string | null {
  const [, kind = ''] = subject.split(':');
  return entryWords[kind]?.(subjectWords(subject), after) ?? null;
}

function ejectionText({ until, reason }: Values): string {
  const end = typeof until === 'string' ? ` until ${until.slice(0, 19)}Z` : '';
  return `${end}${typeof reason === 'string' ? `: ${reason}` : ''}`;
}

/** 'overlay:maintenance:shop' is 'route shop', and 'endpoint:shop/10.0.0.1:3000' is 'endpoint shop/10.0.0.1:3000'. */
export function subjectWords(subject: string): string {
  const [, kind = '', name = ''] = /^overlay:([a-z]+):?(.*)$/.exec(subject) ?? [];
  if (kind === '') return subject.replace(':', ' ');
  if (kind === 'maintenance') return name === '' ? 'all routes' : `route ${name}`;
  return kind === 'pause' ? name.replace(':', ' ') : `endpoint ${name}`;
}

/** 'admin:token:oncall' is 'oncall (token)': the name first, then how the requester is known. */
export function actorWords(actor: string): string {
  const [way = '', what = '', name] = actor.split(':');
  if (way !== 'admin') return way === 'signal' ? `signal ${what}` : actor;
  if (what === 'unknown') return 'not known';
  const means = what === 'session' ? 'dashboard' : what;
  return name === undefined ? `admin socket${what === 'session' ? ' (dashboard)' : ''}` : `${name} (${means})`;
}
