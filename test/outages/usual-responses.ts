/** How the application of the lab answers when nothing is wrong. */
interface UsualResponse {
  readonly status: number;
  readonly type: string;
  readonly bytes: number;
  readonly latencyMs: number;
}

const json = 'application/json';
const html = 'text/html; charset=utf-8';

/** By the method and the beginning of the path; the first that fits counts. */
const usual: readonly (readonly [method: string, path: string, type: string, bytes: number, latencyMs: number])[] = [
  ['*', '/healthz', 'text/plain', 3, 0],
  ['GET', '/api/cart/count', json, 120, 3],
  ['GET', '/api/cart', json, 900, 6],
  ['POST', '/api/cart', json, 300, 15],
  ['GET', '/api/checkout', json, 700, 8],
  ['POST', '/api/checkout', json, 400, 60],
  ['GET', '/api/orders', json, 2500, 12],
  ['GET', '/api/session', json, 200, 3],
  ['POST', '/api/login', json, 250, 30],
  ['POST', '/api/import', json, 200, 20],
  ['GET', '/api/poll', json, 150, 20_000],
  ['POST', '/upload', json, 100, 80],
  ['GET', '/search/suggest', json, 500, 5],
  ['GET', '/search', json, 4000, 25],
  ['GET', '/static/app', 'text/javascript', 24_000, 1],
  ['GET', '/static', 'text/css', 9000, 1],
  ['GET', '/download', 'application/octet-stream', 1_500_000, 2],
  ['GET', '/products/', html, 5000, 8],
  ['GET', '/products', html, 9000, 12],
  ['GET', '/reports', json, 3000, 1500],
  ['GET', '/feed', 'application/rss+xml', 6000, 10],
  ['*', '/dependency', json, 80, 4],
  ['GET', '/v1/tasks/', json, 1800, 9],
  ['GET', '/v1/tasks', json, 6000, 18],
  ['POST', '/v1/tasks', json, 600, 22],
  ['PATCH', '/v1/tasks', json, 500, 18],
  ['POST', '/v1/comments', json, 300, 15],
  ['GET', '/v1/projects', json, 3000, 10],
  ['GET', '/v1/me', json, 400, 4],
  ['GET', '/v1/files', 'image/jpeg', 120_000, 15],
  ['GET', '/v1/billing', json, 2200, 20],
  ['POST', '/v1/hooks', json, 20, 12],
  ['POST', '/v1/assistant', json, 1500, 700],
  ['POST', '/oauth/token', json, 900, 40],
  ['GET', '/assets', 'text/javascript', 60_000, 2],
  ['GET', '/track', html, 4000, 9],
  ['GET', '/portal', 'text/javascript', 40_000, 2],
  ['GET', '/v2/parcels/', json, 1400, 8],
  ['GET', '/v2/parcels', json, 7000, 20],
  ['POST', '/v2/parcels', json, 700, 25],
  ['GET', '/v2/labels', 'application/pdf', 30_000, 150],
  ['POST', '/v2/quotes', json, 1200, 35],
  ['GET', '/v2/account', json, 500, 5],
  ['POST', '/v2/scans', json, 60, 10],
  ['GET', '/shows/', html, 7000, 10],
  ['GET', '/shows', html, 11_000, 14],
  ['GET', '/posters', 'image/webp', 45_000, 3],
  ['GET', '/b/seats', json, 5200, 12],
  ['POST', '/b/holds', json, 350, 20],
  ['GET', '/b/holds', json, 350, 6],
  ['POST', '/b/orders', json, 650, 45],
  ['GET', '/b/orders', json, 1300, 9],
  ['GET', '/b/tickets', 'application/pdf', 26_000, 90],
  ['GET', '/b/me', json, 420, 4],
  ['GET', '/b/confirm', html, 900, 8],
  ['POST', '/b/paid', json, 20, 9],
  ['DELETE', '/b/shows', json, 2, 8],
  ['POST', '/gate', json, 90, 8],
  ['POST', '/m/readings', json, 40, 9],
  ['GET', '/m/commands', json, 60, 4],
  ['GET', '/m/clock', json, 30, 1],
  ['GET', '/m/firmware', 'application/octet-stream', 300_000, 3],
  ['GET', '/dash/app', 'text/javascript', 50_000, 2],
  ['GET', '/dash/charts', json, 9000, 35],
  ['GET', '/dash/alarms', json, 1600, 8],
  ['GET', '/dash/sites', json, 2400, 11],
  ['POST', '/dash/login', json, 300, 40],
  ['GET', '/dash', html, 5000, 6],
  ['GET', '/exports', 'text/csv', 80_000, 260],
  ['GET', '/lessons', html, 7000, 11],
  ['POST', '/graphql', json, 2600, 14],
  ['GET', '/media/list', 'application/vnd.apple.mpegurl', 900, 4],
  ['GET', '/media/live/list', 'application/vnd.apple.mpegurl', 900, 4],
  ['GET', '/media', 'video/mp2t', 60_000, 3],
  ['POST', '/progress', json, 60, 9],
  ['PUT', '/drafts', json, 80, 12],
  ['POST', '/submissions', json, 350, 45],
  ['GET', '/submissions', json, 1100, 9],
  ['*', '/check', json, 20, 2],
  ['GET', '/pkg', json, 3000, 7],
  ['GET', '/find', json, 4200, 22],
  ['PUT', '/publish', json, 120, 60],
  ['GET', '/tar', 'application/gzip', 60_000, 4],
  ['POST', '/builds', json, 400, 30],
  ['GET', '/builds', json, 1500, 8],
  ['GET', '/badges', 'image/svg+xml', 1100, 5],
  ['GET', '/whoami', json, 150, 3],
  ['GET', '/widget', 'text/javascript', 30_000, 2],
  ['GET', '/slots', json, 3600, 14],
  ['POST', '/bookings', json, 420, 25],
  ['GET', '/bookings', json, 700, 7],
  ['POST', '/signin', json, 260, 35],
  ['GET', '/calendars', 'text/calendar; charset=utf-8', 5200, 9],
  ['PUT', '/calendars', 'text/plain', 20, 12],
  ['GET', '/letters', 'application/pdf', 38_000, 30],
  ['POST', '/scans', json, 140, 60],
  ['GET', '/patients', json, 2100, 11],
  ['GET', '/menus/', html, 8000, 10],
  ['GET', '/menus', html, 10_000, 13],
  ['GET', '/dishes', 'image/webp', 35_000, 3],
  ['PUT', '/baskets', json, 500, 12],
  ['GET', '/baskets', json, 800, 6],
  ['POST', '/meals', json, 450, 40],
  ['GET', '/meals', json, 900, 8],
  ['GET', '/tills/next', json, 60, 2000],
  ['GET', '/tills', json, 2400, 10],
  ['POST', '/tills', json, 40, 9],
  ['POST', '/positions', json, 20, 5],
  ['GET', '/positions', json, 220, 4],
];

/** What only a path without anything behind it answers. */
const home: UsualResponse = { status: 200, type: html, bytes: 6000, latencyMs: 4 };
const notFound: UsualResponse = { status: 404, type: json, bytes: 130, latencyMs: 2 };

export function usualResponse(method: string, path: string): UsualResponse {
  if (path === '/') return home;
  const asked = method === 'HEAD' ? 'GET' : method;
  const known = usual.filter(([, start]) => path.startsWith(start));
  const found = known.find(([only]) => only === '*' || only === asked);
  if (found === undefined) return known.length > 0 ? { ...notFound, status: 405 } : notFound;
  const [, , type, bytes, latencyMs] = found;
  return { status: 200, type, bytes, latencyMs };
}
