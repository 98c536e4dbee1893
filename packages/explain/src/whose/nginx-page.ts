import { type ParsedAnswer, quote } from './answer.ts';
import type { Layer } from './layer.ts';
import { productOfServer } from './products.ts';
import { type AuthorVerdict, authorVerdict } from './verdict.ts';

/**
 * The page of nginx, and of products built on it, for every status: title, heading, a rule, and the name of the server.
 * AWS load balancers have the page without the rule.
 */
const page =
  /^\s*<html>\s*<head>\s*<title>(\d{3}) ([^<]{1,80})<\/title>\s*<\/head>\s*<body[^>]{0,40}>\s*<center>\s*<h1>\d{3} [^<]{1,80}<\/h1>\s*<\/center>/i;
const tailOfPage = /<hr\s*\/?>\s*<center>([^<]{0,80})<\/center>/i;

const tails: readonly (readonly [layer: Layer, tail: RegExp])[] = [
  ['cloudflare', /^cloudflare/i],
  ['cloudfront', /^cloudfront/i],
  ['azure-app-gateway', /^Microsoft-Azure-Application-Gateway/i],
  ['aws-alb', /^awselb/i],
  ['kong', /^kong/i],
  ['apisix', /^apisix/i],
  ['openresty', /^openresty/i],
  ['nginx', /^nginx/i],
];

export function readNginxPage(answer: ParsedAnswer): AuthorVerdict | null {
  const found = page.exec(answer.body);
  if (found === null) return null;
  const title = `<title>${found[1] ?? ''} ${found[2] ?? ''}</title>`;
  // The name follows soon after the heading; Tengine puts a table about the request between them.
  const tail = tailOfPage.exec(answer.body.slice(found[0].length, found[0].length + 2_048))?.[1]?.trim();
  if (tail === undefined) return withoutTail(answer, title);
  const evidence = `<hr><center>${tail}</center>`;
  const layer = tails.find(([, pattern]) => pattern.test(tail))?.[0];
  if (layer === 'nginx') return fromNginx(answer, tail, evidence);
  if (layer === 'openresty') return fromOpenResty(answer, evidence);
  if (layer !== undefined) return authorVerdict(layer, sure(answer), 'the page bears its name', evidence);
  if (/^(?:tengine|angie|freenginx)/i.test(tail))
    return authorVerdict('nginx', 'likely', `the page is that of ${quote(tail)}, which is built on nginx`, evidence);
  return authorVerdict('nginx', 'unsure', 'the page is that of a server built on nginx, with another name', evidence);
}

/** A page with another status than the response's: the author of the page may not have sent the response. */
function sure(answer: ParsedAnswer): 'certain' | 'likely' {
  const status = Number(page.exec(answer.body)?.[1]);
  // 494 to 497 are nginx's internal statuses; it sends them as 400.
  return status === answer.status || answer.status === 400 ? 'certain' : 'likely';
}

/** People paste some of the headers. nginx writes these two into every page, so that with them `Server` was there too. */
function hasWholeHead(answer: ParsedAnswer): boolean {
  return answer.hasHead && answer.field('date') !== null && answer.field('content-type') !== null;
}

/** ingress-nginx removes `Server` and writes no version into the page. Its `Strict-Transport-Security` has a default age that identifies it. */
function fromNginx(answer: ParsedAnswer, tail: string, evidence: string): AuthorVerdict {
  const hsts = answer.field('strict-transport-security');
  if (hsts !== null && /\bmax-age=15724800\b/.test(hsts))
    return authorVerdict(
      'ingress-nginx',
      'likely',
      "the page is nginx's, and the age of its HSTS is the default of ingress-nginx",
      evidence,
      `Strict-Transport-Security: ${hsts}`,
    );
  if (tail.toLowerCase() === 'nginx' && hasWholeHead(answer) && answer.field('server') === null)
    return authorVerdict(
      'ingress-nginx',
      'likely',
      "the page is nginx's, and nginx itself would have sent `Server`",
      evidence,
      'no Server',
    );
  return authorVerdict('nginx', sure(answer), 'the page is its own', evidence);
}

/** Kong and APISIX are built on OpenResty. They name themselves below the page or in `Server` alone. */
function fromOpenResty(answer: ParsedAnswer, evidence: string): AuthorVerdict {
  const apisix = /Powered by <a href="https:\/\/apisix\.apache\.org\/?">/.exec(answer.body.slice(0, 4_096));
  if (apisix !== null) return authorVerdict('apisix', 'certain', 'the page is its own', apisix[0]);
  for (const line of answer.lines('server')) {
    const layer = productOfServer(line)?.layer;
    if (layer === 'kong' || layer === 'apisix')
      return authorVerdict(
        layer,
        'likely',
        'the page is that of OpenResty, on which it is built',
        evidence,
        `Server: ${line}`,
      );
  }
  return authorVerdict('openresty', sure(answer), 'the page is its own', evidence);
}

function withoutTail(answer: ParsedAnswer, title: string): AuthorVerdict {
  const server = answer.lines('server').find((line) => productOfServer(line)?.layer === 'aws-alb');
  const why = "the page is nginx's without the name at its end, as AWS load balancers have it";
  if (server !== undefined) return authorVerdict('aws-alb', sure(answer), why, title, `Server: ${server}`);
  return authorVerdict('aws-alb', 'likely', why, title, 'no <hr><center>');
}
