import type { SuspectContext } from './suspect-facts.ts';
import { applicationsOf } from './watched-upstream.ts';

/** Lines from so long before the first failure are shown: what goes wrong is often printed before a request fails. */
const beforeMs = 5000;

/** How to see what the applications that the gateway runs have printed meanwhile; null: it runs none of them. */
export function outputStep({ incident, watched }: Pick<SuspectContext, 'incident' | 'watched'>): string | null {
  const [application, ...others] = applicationsOf(watched);
  if (application === undefined) return null;
  const all = [application, ...others].join(', ');
  if (watched.storesOutput !== true) return `See in the gateway's own output what ${all} printed at that time`;
  const since = new Date(incident.startedAt - beforeMs).toISOString().replace(/\.\d+Z$/, 'Z');
  const name = /^[\w.-]+$/.test(application) ? application : `'${JSON.stringify(application)}'`;
  const which = others.length === 0 ? ` application:${name}` : '';
  return `See what ${all} printed with \`candor logs kind:output${which} since:${since}\``;
}
