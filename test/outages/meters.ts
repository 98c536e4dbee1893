import { addressesFrom, type Flow } from './flows.ts';
import type { ApplicationSetup, RouteSetup, Setup } from './setup.ts';
import { pair, single } from './shop.ts';

const routes: readonly RouteSetup[] = [
  { id: 'readings', path: '/m/readings', to: 'intake' },
  { id: 'm', path: '/m', to: 'intake' },
  { id: 'charts', path: '/dash/charts', to: 'dash' },
  { id: 'exports', path: '/exports', to: 'exports' },
  { id: 'dash', path: '/', to: 'dash' },
];

/** The addresses of the meters. */
export const meterAddresses: readonly string[] = addressesFrom(20, 30);

const usual: readonly (readonly [method: string, path: string, perSecond: number])[] = [
  ['POST', '/m/readings', 18],
  ['GET', '/m/commands', 10],
  ['GET', '/m/clock', 2],
  ['GET', '/dash', 2],
  ['GET', '/dash/app.js', 2],
  ['GET', '/dash/charts/{n}', 6],
  ['GET', '/dash/alarms', 4],
  ['GET', '/dash/sites/{n}', 4],
  ['POST', '/dash/login', 1],
  ['GET', '/exports/{n}', 1],
];

/** What meters in houses, and the people who look after them, send. */
export function meterFlows(more: Readonly<Record<string, Flow>> = {}): Readonly<Record<string, Flow>> {
  const flows = usual.map(([method, path, perSecond]) => {
    const clients = path.startsWith('/m/') ? { clients: meterAddresses } : {};
    return [`${method} ${path}`, { method, path, perSecond, ...clients } satisfies Flow] as const;
  });
  return { ...Object.fromEntries(flows), ...more };
}

interface MeterApplications {
  readonly intake?: ApplicationSetup;
  readonly dash?: ApplicationSetup;
  readonly exports?: ApplicationSetup;
}

/** A service that takes the readings of meters, shows them to people, and exports them for the accounting. */
export function meters(
  { intake = pair, dash = pair, exports = single }: MeterApplications = {},
  more: Partial<Setup> = {},
): Setup {
  return { applications: { intake, dash, exports }, routes, flows: meterFlows(), ...more };
}
