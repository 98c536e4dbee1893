import type { Flow } from './flows.ts';
import type { ApplicationSetup, RouteSetup, Setup } from './setup.ts';
import { pair, single } from './shop.ts';

const routes: readonly RouteSetup[] = [
  { id: 'shows', path: '/shows', to: 'site' },
  { id: 'posters', path: '/posters', to: 'images' },
  { id: 'seats', path: '/b/seats', to: 'office' },
  { id: 'holds', path: '/b/holds', to: 'office' },
  { id: 'orders', path: '/b/orders', to: 'office' },
  { id: 'tickets', path: '/b/tickets', to: 'office' },
  { id: 'b', path: '/b', to: 'office' },
  { id: 'gate', path: '/gate', to: 'office' },
  { id: 'site', path: '/', to: 'site' },
];

const usual: readonly (readonly [method: string, path: string, perSecond: number])[] = [
  ['GET', '/', 2],
  ['GET', '/shows', 3],
  ['GET', '/shows/{n}', 8],
  ['GET', '/posters/{n}', 7],
  ['GET', '/b/seats/{n}', 7],
  ['POST', '/b/holds', 4],
  ['POST', '/b/orders', 3],
  ['GET', '/b/orders/{n}', 3],
  ['GET', '/b/tickets/{n}', 3],
  ['GET', '/b/me', 4],
  ['POST', '/gate/scans', 6],
];

/** What people who go out, and the scanners at the doors, send. */
export function boxOfficeFlows(more: Readonly<Record<string, Flow>> = {}): Readonly<Record<string, Flow>> {
  const flows = usual.map(
    ([method, path, perSecond]) => [`${method} ${path}`, { method, path, perSecond } satisfies Flow] as const,
  );
  return { ...Object.fromEntries(flows), ...more };
}

interface BoxOfficeApplications {
  readonly site?: ApplicationSetup;
  readonly office?: ApplicationSetup;
  readonly images?: ApplicationSetup;
}

/** A service that sells tickets: pages about shows, their posters, and an API for seats, orders, tickets and doors. */
export function boxOffice(
  { site = pair, office = pair, images = single }: BoxOfficeApplications = {},
  more: Partial<Setup> = {},
): Setup {
  return { applications: { site, office, images }, routes, flows: boxOfficeFlows(), ...more };
}
