import type { RouteName } from './answer.ts';

/** What a client remembers of the answers that it got. */
export class ClientMemory {
  readonly user: string;
  cookie: string | null = null;
  readonly orders: { readonly order: string; readonly total: number }[] = [];
  /** Assets that pages of the last 20 s name. */
  readonly assets: { readonly path: string; readonly until: number }[] = [];

  constructor(user: string) {
    this.user = user;
  }
}

export interface Call {
  readonly route: RouteName;
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Whether the old release would answer so; null: yes. It may put into the memory of the client what the answer says. */
  readonly check: (seen: Seen) => 'status' | 'body' | null;
}

/** A response as the client has read it. */
export interface Seen {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: string;
}

interface RouteForm {
  /** Of a hundred requests. */
  readonly weight: number;
  /** How long the old release usually takes. */
  readonly usualMs: number;
  readonly call: (memory: ClientMemory, random: (below: number) => number) => Omit<Call, 'route'> | null;
}

const assetMs = 20_000;
const json = { 'content-type': 'application/json' };

function priceOf(id: number): number {
  return 500 + ((id * 37) % 1000);
}

function nameOf(id: number): string {
  return id % 4 === 0 ? `Käse Nº ${id}` : `Product ${id}`;
}

/** A page of the shop, which names its assets. */
function checkPage(
  memory: ClientMemory,
  { status, headers, body }: Seen,
  ...texts: string[]
): 'status' | 'body' | null {
  if (status !== 200) return 'status';
  if (!String(headers['content-type']).startsWith('text/html')) return 'body';
  const assets = [...body.matchAll(/\/assets\/[\w.-]+/g)].map(([path]) => path);
  for (const path of assets) memory.assets.push({ path, until: Date.now() + assetMs });
  const isWhole =
    body.trimEnd().endsWith('</html>') && ['.js', '.css'].every((end) => assets.some((one) => one.endsWith(end)));
  return isWhole && texts.every((text) => body.includes(text)) ? null : 'body';
}

function checkJson(status: number, seen: Seen, isRight: (value: Record<string, unknown>) => boolean) {
  if (seen.status !== status) return 'status';
  try {
    const value: unknown = JSON.parse(seen.body);
    const isObject = typeof value === 'object' && value !== null;
    return isObject && isRight(value as Record<string, unknown>) ? null : 'body';
  } catch {
    return 'body';
  }
}

const areProducts = (value: unknown, count: number): boolean =>
  Array.isArray(value) && value.length >= count && value.every((one) => nameOf(one?.id) === one?.name);

const cookieOf = ({ cookie }: ClientMemory) => ({ cookie: cookie ?? '' });

export const routeForms: Readonly<Partial<Record<RouteName, RouteForm>>> = {
  home: {
    weight: 12,
    usualMs: 5,
    call: (memory) => ({ method: 'GET', path: '/', check: (seen) => checkPage(memory, seen, 'Welcome', '/product/1') }),
  },
  asset: {
    weight: 16,
    usualMs: 2,
    call: (memory, random) => {
      while ((memory.assets[0]?.until ?? Infinity) < Date.now()) memory.assets.shift();
      const path = memory.assets[random(memory.assets.length)]?.path;
      if (path === undefined) return null;
      const check = ({ status, headers, body }: Seen) => {
        const type = path.endsWith('.js') ? 'text/javascript' : 'text/css';
        if (status !== 200) return 'status';
        return body.length > 1000 && String(headers['content-type']).startsWith(type) ? null : 'body';
      };
      return { method: 'GET', path, check };
    },
  },
  search: {
    weight: 12,
    usualMs: 60,
    call: (memory, random) => {
      const text = `kitchen ${random(500)}`;
      const path = `/search?q=${encodeURIComponent(text)}`;
      return {
        method: 'GET',
        path,
        check: (seen) => checkPage(memory, seen, `Results for ${text}`, '<a href="/product/'),
      };
    },
  },
  product: {
    weight: 15,
    usualMs: 20,
    call: (memory, random) => {
      const id = 1 + random(200);
      const price = `${(priceOf(id) / 100).toFixed(2)} EUR`;
      const check = (seen: Seen) => checkPage(memory, seen, nameOf(id), price, 'in stock');
      return { method: 'GET', path: `/product/${id}`, check };
    },
  },
  list: {
    weight: 12,
    usualMs: 20,
    call: (_memory, random) => {
      const check = (seen: Seen) => checkJson(200, seen, ({ products }) => areProducts(products, 20));
      return { method: 'GET', path: `/api/products?page=${1 + random(10)}`, check };
    },
  },
  cart: {
    weight: 8,
    usualMs: 8,
    call: (memory) => {
      const check = (seen: Seen) =>
        checkJson(200, seen, ({ user, items }) => user === memory.user && Array.isArray(items));
      return { method: 'GET', path: '/api/cart', headers: cookieOf(memory), check };
    },
  },
  add: {
    weight: 5,
    usualMs: 12,
    call: (memory, random) => {
      const wanted = { product: 1 + random(200), count: 1 + random(5) };
      const check = (seen: Seen) => checkJson(201, seen, ({ product }) => product === wanted.product);
      const headers = { ...json, ...cookieOf(memory) };
      return { method: 'POST', path: '/api/cart', headers, body: JSON.stringify(wanted), check };
    },
  },
  checkout: {
    weight: 4,
    usualMs: 80,
    call: (memory, random) => {
      const wanted = { product: 1 + random(200), count: 1 + random(5) };
      const check = (seen: Seen) =>
        checkJson(201, seen, ({ order, total }) => {
          if (typeof order !== 'string' || total !== priceOf(wanted.product) * wanted.count) return false;
          memory.orders.push({ order, total });
          return true;
        });
      const headers = { ...json, ...cookieOf(memory) };
      return { method: 'POST', path: '/api/checkout', headers, body: JSON.stringify(wanted), check };
    },
  },
  login: {
    weight: 3,
    usualMs: 50,
    call: (memory) => {
      const check = ({ status, headers }: Seen) => {
        if (status !== 302 && status !== 303) return 'status';
        const cookie = /session=[^;]+/.exec(String(headers['set-cookie']))?.[0];
        if (cookie === undefined || headers['location'] !== '/') return 'body';
        memory.cookie = cookie;
        return null;
      };
      const headers = { 'content-type': 'application/x-www-form-urlencoded' };
      return { method: 'POST', path: '/login', headers, body: `user=${memory.user}&password=secret`, check };
    },
  },
  order: {
    weight: 3,
    usualMs: 8,
    call: (memory, random) => {
      const known = memory.orders[random(memory.orders.length)];
      if (known === undefined) return null;
      const check = (seen: Seen) =>
        checkJson(200, seen, ({ order, total }) => order === known.order && total === known.total);
      return { method: 'GET', path: `/api/orders/${known.order}`, headers: cookieOf(memory), check };
    },
  },
  picture: {
    weight: 5,
    usualMs: 3,
    call: () => {
      const check = ({ status, body }: Seen) => {
        if (status !== 200) return 'status';
        return body.startsWith('<svg') && body.trimEnd().endsWith('</svg>') && body.length > 50_000 ? null : 'body';
      };
      return { method: 'GET', path: '/images/hero.svg', check };
    },
  },
  account: {
    weight: 2,
    usualMs: 30,
    call: (memory) => {
      const check = (seen: Seen) => checkPage(memory, seen, `Account of ${memory.user}<`);
      return { method: 'GET', path: '/account', headers: cookieOf(memory), check };
    },
  },
  recommendations: {
    weight: 2,
    usualMs: 15,
    call: () => {
      const check = (seen: Seen) => checkJson(200, seen, ({ recommended }) => areProducts(recommended, 5));
      return { method: 'GET', path: '/api/recommendations', check };
    },
  },
  /** The client leaves after three events. */
  events: {
    weight: 0.6,
    usualMs: 900,
    call: () => {
      const check = ({ status, body }: Seen) => {
        if (status !== 200) return 'status';
        return (body.match(/^data: \{"visitors":\d+\}$/gm)?.length ?? 0) >= 3 ? null : 'body';
      };
      return { method: 'GET', path: '/events', check };
    },
  },
  /** A probe from outside. */
  health: {
    weight: 0.4,
    usualMs: 2,
    call: () => {
      const check = ({ status, body }: Seen) => (status !== 200 ? 'status' : body.trim() === 'ok' ? null : 'body');
      return { method: 'GET', path: '/healthz', check };
    },
  },
};

/** Requests that the old release answers with errors. */
export const extraCalls = {
  broken: (turn: number): Call =>
    turn % 2 === 0
      ? { ...extra('broken', 400), method: 'POST', path: '/api/checkout', headers: json, body: '{"product":' }
      : { ...extra('broken', 500), method: 'GET', path: '/api/export?format=xml' },
  retrying: (): Call => ({ ...extra('retrying', 404), method: 'GET', path: '/api/orders/o-unknown' }),
} as const;

function extra(route: RouteName, status: number): Pick<Call, 'route' | 'check'> {
  return { route, check: (seen) => (seen.status === status ? null : 'status') };
}

/** Later than this an answer is late: what a busy machine adds is not counted. */
export function lateMs(route: RouteName): number {
  return 1.5 * (routeForms[route]?.usualMs ?? 20) + 25;
}
