import type { Flow } from './flows.ts';
import type { ApplicationSetup, RouteSetup, Setup } from './setup.ts';
import { pair } from './shop.ts';

export const teamRoutes: readonly RouteSetup[] = [
  { id: 'tasks', path: '/v1/tasks', to: 'team' },
  { id: 'comments', path: '/v1/comments', to: 'team' },
  { id: 'files', path: '/v1/files', to: 'team' },
  { id: 'billing', path: '/v1/billing', to: 'team' },
  { id: 'hooks', path: '/v1/hooks', to: 'team' },
  { id: 'assistant', path: '/v1/assistant', to: 'team' },
  { id: 'v1', path: '/v1', to: 'team' },
  { id: 'tokens', path: '/oauth', to: 'team' },
  { id: 'assets', path: '/assets', to: 'team' },
  { id: 'app', path: '/', to: 'team' },
];

const usual: readonly (readonly [method: string, path: string, perSecond: number])[] = [
  ['GET', '/', 2],
  ['GET', '/assets/app.js', 3],
  ['GET', '/v1/me', 5],
  ['GET', '/v1/projects', 4],
  ['GET', '/v1/tasks', 8],
  ['GET', '/v1/tasks/{n}', 6],
  ['POST', '/v1/tasks', 3],
  ['PATCH', '/v1/tasks/{n}', 4],
  ['POST', '/v1/comments', 4],
  ['GET', '/v1/files/{n}', 4],
  ['GET', '/v1/billing/invoices', 2],
  ['POST', '/oauth/token', 2],
];

/** What the people of a few companies and their programs send; `more` come too, or in place of those of the same name. */
export function teamFlows(more: Readonly<Record<string, Flow>> = {}): Readonly<Record<string, Flow>> {
  const flows = usual.map(
    ([method, path, perSecond]) => [`${method} ${path}`, flowOf(method, path, perSecond)] as const,
  );
  return { ...Object.fromEntries(flows), ...more };
}

function flowOf(method: string, path: string, perSecond: number): Flow {
  return { method, path, perSecond, ...(method === 'PATCH' ? { body: '{"state":"done"}' } : {}) };
}

/** A service in which teams keep their tasks: an API, an application for browsers, files, and tokens for programs. */
export function team(application: ApplicationSetup = pair, more: Partial<Setup> = {}): Setup {
  return { applications: { team: application }, routes: teamRoutes, flows: teamFlows(), ...more };
}
