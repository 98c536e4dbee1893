import type { Flow } from './flows.ts';
import type { ApplicationSetup, RouteSetup, Setup } from './setup.ts';
import { pair, single } from './shop.ts';

export const mealRoutes: readonly RouteSetup[] = [
  { id: 'menus', path: '/menus', to: 'menu' },
  { id: 'dishes', path: '/dishes', to: 'menu' },
  { id: 'baskets', path: '/baskets', to: 'kitchen' },
  { id: 'meals', path: '/meals', to: 'kitchen' },
  { id: 'tills', path: '/tills', to: 'kitchen' },
  { id: 'positions', path: '/positions', to: 'couriers' },
  { id: 'town', path: '/', to: 'menu' },
];

const usual: readonly (readonly [method: string, path: string, perSecond: number])[] = [
  ['GET', '/', 2],
  ['GET', '/menus', 3],
  ['GET', '/menus/{n}', 8],
  ['GET', '/dishes/{n}', 8],
  ['PUT', '/baskets/{n}', 5],
  ['GET', '/baskets/{n}', 4],
  ['POST', '/meals', 3],
  ['GET', '/meals/{n}', 6],
  ['GET', '/tills/open', 6],
  ['POST', '/tills/done', 3],
  ['POST', '/positions', 9],
  ['GET', '/positions/{n}', 5],
];

/** What hungry people, the tills of restaurants, and the telephones of couriers send. */
export function mealFlows(more: Readonly<Record<string, Flow>> = {}): Readonly<Record<string, Flow>> {
  const flows = usual.map(([method, path, perSecond]) => {
    const body = method === 'PUT' ? { body: '{"dish":7,"count":2}' } : {};
    return [`${method} ${path}`, { method, path, perSecond, ...body } satisfies Flow] as const;
  });
  return { ...Object.fromEntries(flows), ...more };
}

interface MealApplications {
  readonly menu?: ApplicationSetup;
  readonly kitchen?: ApplicationSetup;
  readonly couriers?: ApplicationSetup;
}

/** A service that brings meals: pages with menus, orders that the tills of restaurants fetch, and where couriers are. */
export function meals(
  { menu = pair, kitchen = pair, couriers = single }: MealApplications = {},
  more: Partial<Setup> = {},
): Setup {
  return { applications: { menu, kitchen, couriers }, routes: mealRoutes, flows: mealFlows(), ...more };
}
