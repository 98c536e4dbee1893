import type { Filter, FilterResponseHead } from '../../core/filter.ts';
import type { RequestHead } from '../../core/message.ts';
import { fillCustomPage, findCustomPage } from '../../exchange/custom-page.ts';
import { negotiateForm } from '../../exchange/generate.ts';
import { addVary } from '../../filters/vary.ts';
import { reasonPhrase } from '../../wire/reason-phrases.ts';
import { errorReplacementName } from './settings.ts';

/** Replaces the bodies of errors of endpoints by pages of the route. */
export function replacementFilter(statuses: ReadonlySet<string>): Filter {
  return {
    name: errorReplacementName,
    onResponseHead(exchange, head) {
      const { status } = head;
      if (status < 400 || !(statuses.has(String(status)) || statuses.has(`${String(status)[0]}xx`))) return;
      const page = findCustomPage(exchange.errorPages, status);
      if (page === null || !isPage(exchange.request, head)) return;
      // Also where this client gets the body as it is: a cache must know that others do not.
      addVary(head, 'Accept');
      if (negotiateForm(exchange.request.headers.get('accept')) !== 'html') return;
      for (const name of ofBody) head.remove(name);
      head.set('Content-Type', 'text/html; charset=utf-8');
      head.replaceBody(utf8.encode(filled(page, exchange.id, status)));
    },
  };
}

/** Whether a person may read it: the whole of a page, or nothing. What files are answered with does not pass the filter. */
function isPage({ method, upgrade, headers }: RequestHead, head: FilterResponseHead): boolean {
  if (method === 'HEAD' || upgrade !== null || headers.has('range')) return false;
  const type = head.get('content-type');
  const isText = type === null || /^\s*text\/(?:html|plain)\s*(?:;|$)/i.test(type);
  return isText && head.get('x-accel-buffering')?.trim().toLowerCase() !== 'no';
}

/** They describe the body of the application. */
const ofBody: readonly string[] = [
  ...['content-encoding', 'content-language', 'content-location', 'content-disposition', 'content-range'],
  ...['etag', 'last-modified', 'accept-ranges', 'digest', 'content-digest', 'repr-digest', 'content-md5', 'trailer'],
];

function filled(page: string, requestId: string, status: number): string {
  const title = reasonPhrase(status);
  return fillCustomPage(page, {
    ...{ requestId, status, title, forOperators: null },
    forClient: `The application answered ${status} ${title}.`,
  });
}

const utf8 = new TextEncoder();
