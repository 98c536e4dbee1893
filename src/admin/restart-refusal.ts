import { findApplication } from '../control/overlay-targets.ts';
import type { GatewayStatus } from '../core/schemas/status.ts';

interface Refused {
  readonly status: 404 | 409;
  readonly why: string;
}

/** Why an instance, or those of an application or worker, are not replaced. */
export function whyNotRestarted(
  name: string,
  { applications, overlay }: Pick<GatewayStatus, 'applications' | 'overlay'>,
): Refused {
  const none = { status: 404, why: `No instance ${name} runs that could be restarted.` } as const;
  const written = applications.map((one) => ({ ...one, port: null }));
  const found = findApplication(name, { routes: [], upstreams: [], applications: written }, { to: 1 });
  if (name.includes('/')) return none;
  if (!found.ok) return { status: 404, why: found.why };
  const { of } = applications.find(({ id }) => id === name) ?? {};
  const stopped = overlay.entries.find(({ kind, target }) => kind === 'stop' && (target === name || target === of));
  if (stopped === undefined) return none;
  return { status: 409, why: `${name} is stopped. Start it first: candor app start ${stopped.target}.` };
}
