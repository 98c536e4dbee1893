import type { Flow } from './flows.ts';
import type { ApplicationSetup, RouteSetup, Setup } from './setup.ts';
import { pair, single } from './shop.ts';

const routes: readonly RouteSetup[] = [
  { id: 'lessons', path: '/lessons', to: 'learn' },
  { id: 'graphql', path: '/graphql', to: 'learn' },
  { id: 'progress', path: '/progress', to: 'learn' },
  { id: 'drafts', path: '/drafts', to: 'learn' },
  { id: 'media', path: '/media', to: 'media' },
  { id: 'submissions', path: '/submissions', to: 'grader' },
  { id: 'scripts', path: '/assets', to: 'learn' },
  { id: 'live', path: '/ws', to: 'learn' },
  { id: 'learn', path: '/', to: 'learn' },
];

const usual: readonly (readonly [method: string, path: string, perSecond: number])[] = [
  ['GET', '/', 2],
  ['GET', '/lessons/{n}', 8],
  ['POST', '/graphql', 11],
  ['GET', '/assets/app.js', 2],
  ['GET', '/media/list/{n}', 4],
  ['GET', '/media/part/{n}', 8],
  ['POST', '/progress', 5],
  ['PUT', '/drafts/{n}', 3],
  ['POST', '/submissions', 3],
  ['GET', '/submissions/{n}', 2],
];

/** What students, and the players in their browsers, send. */
export function courseFlows(more: Readonly<Record<string, Flow>> = {}): Readonly<Record<string, Flow>> {
  const flows = usual.map(([method, path, perSecond]) => {
    const body = path === '/graphql' ? '{"hash":"9c1e77"}' : '{"text":"In my view"}';
    return [
      `${method} ${path}`,
      { method, path, perSecond, ...(method === 'GET' ? {} : { body }) } satisfies Flow,
    ] as const;
  });
  return { ...Object.fromEntries(flows), ...more };
}

interface CourseApplications {
  readonly learn?: ApplicationSetup;
  readonly media?: ApplicationSetup;
  readonly grader?: ApplicationSetup;
}

/** A service with courses: pages with lessons, an API of one path, films in parts, and what students hand in. */
export function courses(
  { learn = pair, media = single, grader = pair }: CourseApplications = {},
  more: Partial<Setup> = {},
): Setup {
  return { applications: { learn, media, grader }, routes, flows: courseFlows(), ...more };
}

/** The courses, whose API and whose place for what is handed in ask a service for logins about each request. */
export function coursesWithLogins(): Setup {
  const authentication = { forward: { upstream: 'logins', path: '/check' } };
  const setup = courses();
  return {
    ...setup,
    applications: { ...setup.applications, logins: single },
    routes: routes.map((route) =>
      ['graphql', 'submissions'].includes(route.id) ? { ...route, keys: { authentication } } : route,
    ),
  };
}
