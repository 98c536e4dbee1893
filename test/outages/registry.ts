import type { Flow } from './flows.ts';
import type { ApplicationSetup, RouteSetup, Setup } from './setup.ts';
import { pair, single } from './shop.ts';

const routes: readonly RouteSetup[] = [
  { id: 'packages', path: '/pkg', to: 'index' },
  { id: 'find', path: '/find', to: 'index' },
  { id: 'publish', path: '/publish', to: 'index' },
  { id: 'tarballs', path: '/tar', to: 'store' },
  { id: 'builds', path: '/builds', to: 'builds' },
  { id: 'badges', path: '/badges', to: 'builds' },
  { id: 'registry', path: '/', to: 'index' },
];

const usual: readonly (readonly [method: string, path: string, perSecond: number])[] = [
  ['GET', '/', 1],
  ['GET', '/pkg/{n}', 10],
  ['GET', '/find?q={n}', 3],
  ['GET', '/tar/{n}', 8],
  ['HEAD', '/tar/{n}', 2],
  ['PUT', '/publish/{n}', 2],
  ['POST', '/builds', 3],
  ['GET', '/builds/{n}', 8],
  ['GET', '/badges/{n}', 4],
  ['GET', '/whoami', 3],
];

/** What programs that install and build packages send, and the people who look at them. */
export function registryFlows(more: Readonly<Record<string, Flow>> = {}): Readonly<Record<string, Flow>> {
  const flows = usual.map(([method, path, perSecond]) => {
    const body = method === 'PUT' ? { body: '{"name":"left","version":"1.0.1"}' } : {};
    return [`${method} ${path}`, { method, path, perSecond, ...body } satisfies Flow] as const;
  });
  return { ...Object.fromEntries(flows), ...more };
}

interface RegistryApplications {
  readonly index?: ApplicationSetup;
  readonly store?: ApplicationSetup;
  readonly builds?: ApplicationSetup;
}

/** A registry of packages: what there is, a store with their files, and a service that builds them. */
export function registry(
  { index = pair, store = single, builds = pair }: RegistryApplications = {},
  more: Partial<Setup> = {},
): Setup {
  return { applications: { index, store, builds }, routes, flows: registryFlows(), ...more };
}
