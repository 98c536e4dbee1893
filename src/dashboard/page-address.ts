/** The pages, in the order of the navigation. `key` follows `g` on the keyboard. */
export const pages = [
  { id: 'now', name: 'Now', key: 'n' },
  { id: 'timeline', name: 'Timeline', key: 't' },
  { id: 'requests', name: 'Requests', key: 'r' },
  { id: 'upstreams', name: 'Upstreams', key: 'u' },
  { id: 'applications', name: 'Applications', key: 'p' },
  { id: 'releases', name: 'Releases', key: 'd' },
  { id: 'resources', name: 'Resources', key: 's' },
  { id: 'configuration', name: 'Configuration', key: 'c' },
  { id: 'maintenance', name: 'Maintenance', key: 'm' },
  { id: 'audit', name: 'Audit', key: 'a' },
] as const;

export type PageId = (typeof pages)[number]['id'] | 'incidents' | 'routes' | 'login';

/** What a link within the dashboard names: everything after the # of its URL. */
export interface PageAddress {
  readonly page: PageId;
  /** Of one request, upstream, route or incident; '' for the page itself. */
  readonly id: string;
  readonly parameters: Readonly<Record<string, string>>;
}

const ids: ReadonlySet<string> = new Set([...pages.map(({ id }) => id), 'incidents', 'routes', 'login']);

/** An address that no page has is that of the page Now. */
export function parseAddress(hash: string): PageAddress {
  const [path, query] = splitOnce(hash.replace(/^#?\/?/, ''), '?');
  const [page, id] = splitOnce(path, '/');
  if (!ids.has(page)) return { page: 'now', id: '', parameters: {} };
  return { page: page as PageId, id: decoded(id), parameters: Object.fromEntries(new URLSearchParams(query)) };
}

export function addressHash(page: PageId, id = '', parameters: Readonly<Record<string, string>> = {}): string {
  const given = Object.entries(parameters).filter(([, value]) => value !== '');
  const query = given.length === 0 ? '' : `?${new URLSearchParams(given).toString()}`;
  return `#/${page}${id === '' ? '' : `/${encodeURIComponent(id)}`}${query}`;
}

function splitOnce(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // A malformed escape is a part of the name.
    return text;
  }
}

type KeyCommand =
  | { readonly kind: 'go'; readonly page: PageId }
  | { readonly kind: 'search' }
  | { readonly kind: 'help' }
  | { readonly kind: 'move'; readonly by: 1 | -1 };

/** How long the second key of `g n` may take. */
const sequenceMsMax = 1500;

/** Turns keys into commands. `g` waits for the key of a page. */
export class KeyCommands {
  #pressedG = Number.NEGATIVE_INFINITY;

  /** `at` in milliseconds. Null: the key means nothing, or not yet. */
  press(key: string, at: number): KeyCommand | null {
    const afterG = at - this.#pressedG <= sequenceMsMax;
    this.#pressedG = Number.NEGATIVE_INFINITY;
    if (afterG) {
      const page = pages.find((one) => one.key === key);
      if (page !== undefined) return { kind: 'go', page: page.id };
    }
    switch (key) {
      case 'g':
        this.#pressedG = at;
        return null;
      case '/':
        return { kind: 'search' };
      case '?':
        return { kind: 'help' };
      case 'j':
        return { kind: 'move', by: 1 };
      case 'k':
        return { kind: 'move', by: -1 };
      default:
        return null;
    }
  }
}

/** Every key with what it does, for the help. */
export const keyHelp: readonly (readonly [keys: string, what: string])[] = [
  ...pages.map(({ key, name }) => [`g ${key}`, name] as const),
  ['/', 'search requests'],
  ['j, k', 'next row, previous row'],
  ['Enter', 'open the row'],
  ['?', 'this list'],
  ['Esc', 'close'],
];
