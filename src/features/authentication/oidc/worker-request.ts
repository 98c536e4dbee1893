import type { FilterContext } from '../../../core/filter.ts';

/** Whether a person looks at a page, and can be sent to another one; a script cannot. */
export function isNavigation({ request, variables }: FilterContext): boolean {
  if (request.upgrade !== null) return false;
  const mode = variables.header('sec-fetch-mode');
  if (mode !== null) return mode === 'navigate';
  if (variables.header('x-requested-with') !== null) return false;
  return ['GET', 'HEAD', 'POST'].includes(request.method) && /\btext\/html\b/i.test(variables.header('accept') ?? '');
}

type Asked = Pick<FilterContext, 'client' | 'variables'>;

/** Another site has made the browser ask, by a link, a form or an image. Browsers before 2023 say of which origin the page is, and no more. */
export function isFromOtherSite(exchange: Asked): boolean {
  const { variables } = exchange;
  const site = variables.header('sec-fetch-site');
  if (site !== null) return site === 'cross-site';
  const page = variables.header('origin') ?? variables.header('referer');
  const origin = originOf(exchange);
  return page !== null && origin !== null && page !== origin && !page.startsWith(`${origin}/`);
}

/** As the browser knows it: 'https://shop.example'. Null: the client has named no host. */
export function originOf({ client, variables: { authority } }: Asked): string | null {
  return /^[\w.:[\]-]+$/.test(authority) ? `${client.scheme}://${authority}` : null;
}

/** The path and query of the page of this host that has led here; null: another one has, or the browser does not say. */
export function pageBefore(exchange: FilterContext): string | null {
  const referer = exchange.variables.header('referer');
  const origin = originOf(exchange);
  return referer !== null && origin !== null && referer.startsWith(`${origin}/`) ? referer.slice(origin.length) : null;
}

/**
 * A path of the same origin, with its query, as it may stand behind the origin in Location; what is none becomes "/". Pages of the login itself are
 * none: people would not come out of it.
 */
export function pathToReturnTo(written: string, origin: string, loginPath: string): string {
  // What URLs do with backslashes, tabs and line ends: https://url.spec.whatwg.org/#url-parsing
  // oxlint-disable-next-line no-control-regex -- these are what no path may have
  if (!written.startsWith('/') || /[\\\0-\x20\x7f]/.test(written) || !URL.canParse(`${origin}${written}`)) return '/';
  const url = new URL(`${origin}${written}`);
  const isOfLogin = url.pathname === loginPath || url.pathname.startsWith(`${loginPath}/`);
  return url.origin === new URL(origin).origin && !isOfLogin && url.href.length <= 2048 + origin.length
    ? `${url.pathname}${url.search}`
    : '/';
}
