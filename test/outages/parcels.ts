import type { Flow } from './flows.ts';
import type { ApplicationSetup, RouteSetup, Setup } from './setup.ts';
import { pair, single } from './shop.ts';

const routes: readonly RouteSetup[] = [
  { id: 'parcels', path: '/v2/parcels', to: 'api' },
  { id: 'quotes', path: '/v2/quotes', to: 'api' },
  { id: 'labels', path: '/v2/labels', to: 'labels' },
  { id: 'v2', path: '/v2', to: 'api' },
  { id: 'track', path: '/track', to: 'portal' },
  { id: 'portal', path: '/', to: 'portal' },
];

const usual: readonly (readonly [method: string, path: string, perSecond: number])[] = [
  ['GET', '/', 2],
  ['GET', '/portal/app.js', 2],
  ['GET', '/track/{n}', 9],
  ['GET', '/v2/parcels', 4],
  ['GET', '/v2/parcels/{n}', 8],
  ['POST', '/v2/parcels', 5],
  ['GET', '/v2/labels/{n}', 5],
  ['POST', '/v2/quotes', 6],
  ['GET', '/v2/account', 3],
  ['POST', '/v2/scans', 7],
];

/** What people who wait for parcels, shops that send them, and scanners of depots send. */
export function parcelFlows(more: Readonly<Record<string, Flow>> = {}): Readonly<Record<string, Flow>> {
  const flows = usual.map(
    ([method, path, perSecond]) => [`${method} ${path}`, { method, path, perSecond } satisfies Flow] as const,
  );
  return { ...Object.fromEntries(flows), ...more };
}

interface ParcelApplications {
  readonly api?: ApplicationSetup;
  readonly portal?: ApplicationSetup;
  readonly labels?: ApplicationSetup;
}

/** A service that sends parcels for shops: an API, pages on which people follow their parcels, and a service that draws labels. */
export function parcels(
  { api = pair, portal = pair, labels = single }: ParcelApplications = {},
  more: Partial<Setup> = {},
): Setup {
  return { applications: { api, portal, labels }, routes, flows: parcelFlows(), ...more };
}
