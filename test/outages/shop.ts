import { ordinaryFlows } from './flows.ts';
import type { ApplicationSetup, RouteSetup, Setup } from './setup.ts';

/** Two processes that somebody runs beside the gateway. */
export const pair: ApplicationSetup = { by: 'others', instances: 2 };
export const single: ApplicationSetup = { by: 'others', instances: 1 };
/** Two instances that the gateway runs. */
export const managed: ApplicationSetup = { by: 'candor', instances: 2 };

const shopRoutes: readonly RouteSetup[] = [
  { id: 'cart', path: '/api/cart', to: 'shop' },
  { id: 'checkout', path: '/api/checkout', to: 'shop' },
  { id: 'api', path: '/api', to: 'shop' },
  { id: 'search', path: '/search', to: 'shop' },
  { id: 'static', path: '/static', to: 'shop' },
  { id: 'products', path: '/products', to: 'shop' },
  { id: 'reports', path: '/reports', to: 'shop' },
  { id: 'events', path: '/events', to: 'shop' },
  { id: 'ws', path: '/ws', to: 'shop' },
  { id: 'pages', path: '/', to: 'shop' },
];

/** Requests under these paths need a database; the payment provider is asked at the checkout. */
export const shopNeeds: Readonly<Record<string, readonly string[]>> = {
  '/api/checkout': ['database', 'payments'],
  '/api/cart': ['database'],
  '/api/orders': ['database'],
  '/products': ['database'],
};

/** A shop: one application, ten routes, clients of every kind. */
export function shop(application: ApplicationSetup = pair, more: Partial<Setup> = {}): Setup {
  return { applications: { shop: application }, routes: shopRoutes, flows: ordinaryFlows(), ...more };
}

/** The shop with a database and a payment provider behind it. */
export function shopWithDatabase(application: ApplicationSetup = pair, more: Partial<Setup> = {}): Setup {
  const behaviour = { needs: shopNeeds, ...application.behaviour };
  return shop({ ...application, dependencies: ['database', 'payments'], behaviour }, more);
}

/** The shop, and a service of its own for searches. */
export function shopWithSearch(
  application: ApplicationSetup = pair,
  search: ApplicationSetup = single,
  more: Partial<Setup> = {},
): Setup {
  const routes = shopRoutes.map((route) => (route.id === 'search' ? { ...route, to: 'search' } : route));
  return shop(application, { applications: { shop: application, search }, routes, ...more });
}
