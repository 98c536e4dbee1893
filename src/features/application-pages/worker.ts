import type { Filter, FilterContext, FilterResponseHead } from '../../core/filter.ts';
import { fillCustomPage } from '../../exchange/custom-page.ts';
import { negotiateForm } from '../../exchange/generate.ts';
import { reasonPhrase } from '../../wire/reason-phrases.ts';
import { type FeaturePart, workerFeature } from '../worker-feature.ts';
import { applicationPagesName, type ApplicationPagesSpec } from './settings.ts';

export const applicationPages = workerFeature<ApplicationPagesSpec, FeaturePart>({
  name: applicationPagesName,
  prepare: (_, { pages }) => ({ hooks: { filters: [pagesFilter(new Map(Object.entries(pages)))] } }),
});

function pagesFilter(pages: ReadonlyMap<string, string>): Filter {
  return {
    name: applicationPagesName,
    onResponseHead(exchange, head) {
      if (head.status < 400) return;
      const page = pages.get(String(head.status)) ?? pages.get(`${String(head.status)[0]}xx`);
      if (page === undefined || !isPage(exchange, head)) return;
      for (const name of ofBody) head.remove(name);
      head.set('Content-Type', 'text/html; charset=utf-8');
      head.add('Vary', 'Accept');
      head.replaceBody(utf8.encode(filled(page, exchange.id, head.status)));
    },
  };
}

/** Whether a person reads the answer: a browser asks for a page, and the application sends text, or nothing. */
function isPage({ endpoint, request }: FilterContext, head: FilterResponseHead): boolean {
  if (endpoint === null || request.method === 'HEAD') return false;
  const type = head.get('content-type');
  const isText = type === null || /^\s*text\/(?:html|plain)\s*(?:;|$)/i.test(type);
  if (!isText || head.get('x-accel-buffering')?.trim().toLowerCase() === 'no') return false;
  return negotiateForm(request.headers.get('accept')) === 'html';
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
