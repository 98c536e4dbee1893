import type { Flow } from './flows.ts';
import type { ApplicationSetup, RouteSetup, Setup } from './setup.ts';
import { pair, single } from './shop.ts';

const routes: readonly RouteSetup[] = [
  { id: 'slots', path: '/slots', to: 'booking' },
  { id: 'bookings', path: '/bookings', to: 'booking' },
  { id: 'sign-in', path: '/signin', to: 'booking' },
  { id: 'widget', path: '/widget', to: 'booking' },
  { id: 'calendars', path: '/calendars', to: 'feeds' },
  { id: 'letters', path: '/letters', to: 'records' },
  { id: 'scans', path: '/scans', to: 'records' },
  { id: 'patients', path: '/patients', to: 'records' },
  { id: 'practice', path: '/', to: 'booking' },
];

const usual: readonly (readonly [method: string, path: string, perSecond: number])[] = [
  ['GET', '/', 2],
  ['GET', '/widget/book.js', 3],
  ['GET', '/slots/{n}', 10],
  ['POST', '/bookings', 4],
  ['GET', '/bookings/{n}', 5],
  ['POST', '/signin', 2],
  ['GET', '/calendars/{n}', 8],
  ['PUT', '/calendars/{n}', 2],
  ['GET', '/letters/{n}', 5],
  ['POST', '/scans', 3],
  ['GET', '/patients/{n}', 6],
];

/** What patients, their calendars, and the people of practices send. */
export function practiceFlows(more: Readonly<Record<string, Flow>> = {}): Readonly<Record<string, Flow>> {
  const flows = usual.map(([method, path, perSecond]) => {
    const body = method === 'PUT' ? { body: 'BEGIN:VEVENT' } : {};
    return [`${method} ${path}`, { method, path, perSecond, ...body } satisfies Flow] as const;
  });
  return { ...Object.fromEntries(flows), ...more };
}

interface PracticeApplications {
  readonly booking?: ApplicationSetup;
  readonly feeds?: ApplicationSetup;
  readonly records?: ApplicationSetup;
}

/** A service for practices of doctors: appointments, calendars that telephones follow, and what is kept about patients. */
export function practice(
  { booking = pair, feeds = single, records = pair }: PracticeApplications = {},
  more: Partial<Setup> = {},
): Setup {
  return { applications: { booking, feeds, records }, routes, flows: practiceFlows(), ...more };
}
