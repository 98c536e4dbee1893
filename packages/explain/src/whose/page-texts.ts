import { type ParsedAnswer, quote, type AuthorVerdict, authorVerdict, isJson } from './answer.ts';
import { type Layer, productOfServer } from './layer.ts';

/** Pages and JSON members that frameworks write when the application has failed. */
const frameworkPages: readonly (readonly [framework: string, words: RegExp])[] = [
  ['Spring', /Whitelabel Error Page|^\s*\{"timestamp":[^]{1,80}"status":\d{3},"error":"/],
  [
    'Django',
    /<h1>Server Error \(500\)<\/h1>|<h1>Not Found<\/h1><p>The requested resource was not found on this server\.<\/p>/,
  ],
  ['Werkzeug', /^\s*<!doctype html>\s*<html lang=["']?en["']?>\s*<title>\d{3} [^<]{1,60}<\/title>\s*<h1>/i],
  ['Express', /<title>Error<\/title>\s*<\/head>\s*<body>\s*<pre>/],
  ['Rails', /We're sorry, but something went wrong|The page you were looking for doesn't exist/],
  ['Tomcat', /<title>HTTP Status \d{3} (?:–|-|&#8211;)/],
  ['Jetty', /Powered by Jetty:|<title>Error \d{3} [^<]{1,120}<\/title>\s*<\/head>\s*<body><h2>HTTP ERROR/],
  ['gunicorn', /<h1><p>(?:Internal Server Error|Bad Request|Not Found)<\/p><\/h1>/],
  ['Fastify or Nest', /^\s*\{"statusCode":\d{3},"/],
  ['ASP.NET', /Server Error in '\/[^']{0,80}' Application\./],
  ['Next.js', /<script id="__NEXT_DATA__"/],
  ['WordPress', /There has been a critical error on this website|<h1>Error establishing a database connection<\/h1>/],
  ['Symfony', /<h1>Oops! An Error Occurred<\/h1>/],
  ['a Node proxy', /^Error occurred while trying to proxy(?: to)?: |^Proxy error: Could not proxy request /],
  ['S3', /^\s*<\?xml [^>]{1,60}\?>\s*<Error><Code>\w{1,60}<\/Code>/],
];

/** Headers that applications and their frameworks send, and gateways do not. */
const applicationFields: readonly string[] = [
  'x-powered-by',
  'x-aspnet-version',
  'x-aspnetmvc-version',
  'x-runtime',
  'x-rack-cache',
  'x-drupal-cache',
  'x-generator',
  'x-application-context',
  'x-nextjs-cache',
  'x-amz-request-id',
  'content-language',
];

/** The evidence that an application wrote the response, whatever layers are in front; null without any. */
export function readApplication(answer: ParsedAnswer): AuthorVerdict | null {
  const body = answer.body.slice(0, 16_384);
  for (const [framework, words] of frameworkPages) {
    const found = words.exec(body);
    if (found !== null)
      return authorVerdict('application', 'certain', `the words are those of ${framework}`, found[0].trim());
  }
  for (const line of answer.lines('server')) {
    if (productOfServer(line)?.layer === 'application')
      return authorVerdict('application', 'likely', '`Server` has the name of its server', `Server: ${line}`);
  }
  for (const name of applicationFields) {
    const value = answer.field(name);
    if (value !== null && !poweredByServer.test(value))
      return authorVerdict('application', 'likely', 'gateways send no such header', `${name}: ${value}`);
  }
  const cookie = answer.lines('set-cookie').find((line) => !infrastructureCookie.test(line));
  if (cookie !== undefined)
    return authorVerdict(
      'application',
      'likely',
      "the cookie is an application's",
      `Set-Cookie: ${cookie.split('=')[0] ?? ''}=…`,
    );
  return null;
}

/** Values of `X-Powered-By` of servers, which are in their own pages as well. */
const poweredByServer = /^(?:ASP\.NET|ARR\/[\d.]{1,10}|Plesk\w{0,10})(?:, (?:ASP\.NET|ARR\/[\d.]{1,10}))?$/i;

/** Cookies that edges and load balancers set themselves. */
const infrastructureCookie =
  /^(?:__cf|cf_|_cfuvid|AWSALB|AWSELB|ApplicationGatewayAffinity|ARRAffinity|incap_ses|visid_incap|nlbi_|ak_bmsc|bm_s|_abck|GCLB|GAESA|SERVERID|INGRESSCOOKIE|route)/i;

/** Responses that an application usually writes, without other evidence. */
export function readUsualApplication(answer: ParsedAnswer): AuthorVerdict | null {
  const { status } = answer;
  if (status >= 200 && status < 400)
    return authorVerdict(
      'application',
      'likely',
      `gateways write few answers with status ${status} themselves`,
      `status ${status}`,
    );
  if (isJson(answer) && answer.body.trim() !== '')
    return authorVerdict(
      'application',
      'likely',
      'it is JSON, and not that of a known gateway',
      answer.body.trim().slice(0, 100),
    );
  return null;
}

/**
 * The page of nginx, and of products built on it, for every status: title, heading, a rule, and the name of the server.
 * AWS load balancers have the page without the rule.
 */
const page =
  /^\s*<html>\s*<head>\s*<title>(\d{3}) ([^<]{1,80})<\/title>\s*<\/head>\s*<body[^>]{0,40}>\s*<center>\s*<h1>\d{3} [^<]{1,80}<\/h1>\s*<\/center>/i;
const tailOfPage = /<hr\s*\/?>\s*<center>([^<]{0,80})<\/center>/i;

const pageTails: readonly (readonly [layer: Layer, tail: RegExp])[] = [
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
  const layer = pageTails.find(([, pattern]) => pattern.test(tail))?.[0];
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

/** An error page names its author in its first lines. */
const textCharactersMax = 4_096;

/** The text that a browser shows: without tags, entities and line breaks. */
function shownText(body: string): string {
  const start = body.slice(0, 16_384);
  const bare = start.includes('<')
    ? start
        .replace(/<(?:script|style)\b[^>]{0,500}>[^]{0,8000}?<\/(?:script|style)>/gi, ' ')
        .replace(/<[^<>]{1,2000}>/g, ' ')
    : start;
  return bare
    .slice(0, textCharactersMax)
    .replace(/&(?:#39|rsquo|apos);|’/g, "'")
    .replace(/&(?:#8212|mdash);/g, '—')
    .replace(/&#35;/g, '#')
    .replace(/&(?:nbsp|#32);|\s+/g, ' ')
    .trim();
}

const nginxPhrase = '\\d{3} [A-Z][A-Za-z -]{3,40}';
/** A browser shows the rule above the name as nothing, and a program that copies text as a line of dashes. */
const nginxTail = (tail: string): RegExp => new RegExp(`^(?:${nginxPhrase} ){1,2}(?:[_─—-]{3,200} )?${tail}$`, 'i');

/** The text of a page with the name of its author below it: nginx's, and those of products built on it. */
const tails: readonly (readonly [layer: Layer, text: RegExp])[] = [
  ['cloudflare', nginxTail('cloudflare(?:-nginx)?')],
  ['azure-app-gateway', nginxTail('Microsoft-Azure-Application-Gateway(?:/v\\d)?')],
  ['openresty', nginxTail('openresty(?:/[\\d.]{1,20})?')],
  ['kong', nginxTail('kong(?:/[\\d.]{1,20})?')],
  ['apisix', nginxTail('(?:apisix(?:/[\\d.]{1,20})?|openresty Powered by APISIX\\.?)')],
  ['nginx', nginxTail('nginx(?:/[\\d.]{1,20})?(?: \\(\\w{1,20}\\))?')],
];

const title = '^(?:(?:Error )?\\d{3}:? )?';

/** Words of pages that people copy from a browser. A page that quotes them has them further down, hence the `^`. */
const texts: readonly (readonly [layer: Layer, text: RegExp])[] = [
  [
    'haproxy',
    /^\d{3} [A-Z][A-Za-z -]{3,40} (?:No server is available to handle this request|The server returned an invalid or incomplete response|The server didn't respond in time|An internal server error occur|Request forbidden by administrative rules|Your browser (?:sent an invalid request|didn't send a complete request in time|sent early data)|You have sent too many requests|You need a valid user and password|The request entity exceeds the maximum allowed)/,
  ],
  [
    'haproxy',
    /^(?:No server is available to handle this request|The server returned an invalid or incomplete response|The server didn't respond in time|Your browser didn't send a complete request in time)\.?$/,
  ],
  // OpenShift's router is HAProxy with a page of its own.
  [
    'haproxy',
    /^Application is not available The application is currently not serving requests at this endpoint\. It may not have been started or is still starting\./,
  ],
  ['cloudfront', /^(?:\d{3} )?ERROR:? The request could not be satisfied\.?(?: |$)/i],
  [
    'cloudfront',
    /^(?:The request could not be satisfied\. )?.{0,200}CloudFront (?:attempted to establish a connection|wasn't able to (?:connect|resolve))/,
  ],
  ['vercel', /^\d{3}: [A-Z][A-Z_]{5,60} Code: [A-Z][A-Z_]{5,60}/],
  [
    'vercel',
    /\bCode: (?:FUNCTION|EDGE_FUNCTION|MIDDLEWARE|DEPLOYMENT|DNS_HOSTNAME|ROUTER|NO_RESPONSE_FROM)_[A-Z_]{3,50} ID: [a-z]{3}\d::/,
  ],
  [
    'vercel',
    /^(?:An error occurred with (?:this application|your deployment)\.? )?(?:FUNCTION|EDGE_FUNCTION|MIDDLEWARE|DEPLOYMENT|ROUTER_EXTERNAL_TARGET|NO_RESPONSE_FROM|DNS_HOSTNAME)_[A-Z_]{3,50}(?: [a-z]{3}\d::|$)/,
  ],
  ['azure-front-door', /^Our services aren't available right now/],
  [
    'azure-front-door',
    /^(?:Page not found )?Oops! We weren't able to find your Azure Front Door Service configuration/,
  ],
  ['iis', /^(?:Service Unavailable|Bad Request|Not Found|Bad Gateway)[^]{0,80}HTTP Error \d{3}\. The /i],
  [
    'iis',
    /^(?:Server Error )?\d{3} - (?:Web server received an invalid response|Internal server error|File or directory not found|Forbidden: Access is denied)/,
  ],
  ['heroku', /^No such app There is no app configured at that hostname/],
  ['heroku', /^Application error An error occurred in the application and your page could not be served/i],
  ['heroku', /^Offline for Maintenance This application is undergoing maintenance/i],
  ['fastly', /Details: cache-[a-z]{3}[\w-]{1,40} \d+ \d+ Varnish cache server$/],
  ['fastly', /^(?:Error )?\d{3} [A-Za-z .,]{3,80} Error 5\d{4} Details: cache-/],
  [
    'netlify',
    /^Page not found Looks like you've followed a broken link or entered a URL that doesn't exist on this site\. .{0,200}Netlify/i,
  ],
  [
    'netlify',
    /^(?:This (?:edge )?function has crashed An unhandled error in the (?:edge )?function code|Function invocation failed )/i,
  ],
  ['netlify', /^Site not found Looks like you've followed a broken link/i],
  ['railway', /^Application failed to respond\b/],
  [
    'railway',
    /^\{ ?"status": ?"error", ?"code": ?\d{3}, ?"message": ?"(?:Application failed to respond|Application not found|train has not arrived)/,
  ],
  ['railway', /^Not Found The train has not arrived at the station/],
  [
    'render',
    /^(?:Bad Gateway|Service Suspended|Not Found) This service (?:is currently unavailable|has been suspended by its owner)/,
  ],
  ['render', /^(?:502 )?Bad Gateway This service is currently unavailable\. Please try again in a few minutes/],
  ['google-frontend', /^(?:Google )?(?:Error )?\d{3}\. That's an error\./],
  [
    'google-frontend',
    /^(?:\d{3} [A-Z][A-Za-z ]{2,40} )?Error: (?:Server Error|Page not found|Forbidden) The (?:server encountered an error|requested URL was not found|service you requested)/,
  ],
  [
    'gcp-lb',
    /^Error: (?:Server Error|Bad Gateway) The server encountered a temporary error and could not complete your request\. Please try again in 30 seconds\./,
  ],
  ['akamai', /(?:^| )Reference #\d{1,3}\.[0-9a-f]{4,16}\.\d{8,12}\.[0-9a-f]{4,12}/],
  [
    'varnish',
    /^(?:Error )?503 (?:Backend fetch failed|Service Unavailable|VCL failed) .{0,60}Guru Meditation: XID: \d/,
  ],
  ['kamal-proxy', /^\d{3} — (?:Bad Gateway|Service Unavailable|Gateway Timeout|Not Found|Internal Server Error)/],
  [
    'kong',
    new RegExp(
      `${title}(?:Kong Error )?(?:An invalid response was received from the upstream server|The upstream server is (?:timing out|currently unavailable))\\.?`,
    ),
  ],
  [
    'apache',
    /^(?:Proxy Error|Bad Gateway|Service Unavailable|Gateway Timeout) The (?:proxy server received an invalid response|proxy server could not handle|server is temporarily unable to service|gateway did not receive a timely response)/,
  ],
  ['apache', / Apache(?:\/[\d.]{3,10})?(?: \([\w ]{2,20}\))?[^]{0,120} Server at \S{1,255} Port \d{1,5}$/],
  [
    'application',
    /^Internal Server Error The server encountered an internal error and was unable to complete your request\. Either the server is overloaded/,
  ],
  ['application', /^Server Error \(500\)$/],
];

/** The author of a page of which the text is left, as people copy it from a browser. */
export function readPageText(answer: ParsedAnswer): AuthorVerdict | null {
  const text = shownText(answer.body);
  if (text === '') return null;
  for (const [layer, words] of [...cloudflareTexts, ...tails, ...texts]) {
    const found = words.exec(text);
    if (found === null) continue;
    if (layer === 'cloudflare' && isOfOrigin(answer.status, text))
      return authorVerdict(
        'application',
        'likely',
        'Cloudflare shows this page in place of a 502 or 504 that the origin sent',
        found[0].slice(0, 160),
      );
    return authorVerdict(layer, 'likely', 'the text of the page is its own', found[0].slice(0, 160));
  }
  return null;
}

const cloudflareTexts: readonly (readonly [layer: Layer, text: RegExp])[] = [
  ['cloudflare', /^.{0,80}\bError code:? (?:5[0-3]\d)\b.{0,200}(?:Visit cloudflare\.com|Cloudflare Ray ID|Ray ID:)/i],
  [
    'cloudflare',
    /^(?:Web server is returning an unknown error|Web server is down|Connection timed out|Origin is unreachable|A timeout occurred|SSL handshake failed|Invalid SSL certificate|Railgun Listener to Origin Error|Site frozen|HTTP origin error|Origin DNS error) (?:\| \S{1,255} \| )?Error(?: code)?:? (?:52\d|530|1\d{3})\b/i,
  ],
  [
    'cloudflare',
    /^(?:HTTP )?Error(?: code)?:? ?(?:52\d|530)(?::? |$).{0,20}(?:Web server|Connection timed out|Origin|A timeout|SSL handshake|Invalid SSL|unknown error)/i,
  ],
  ['cloudflare', /^Error (?:HTTP \d{3} )?1\d{3}:? .{0,200}(?:Ray ID|What happened\?|Cloudflare)/i],
  [
    'cloudflare',
    /^(?:Access denied|Sorry, you have been blocked|Please enable cookies\.?|Just a moment|Checking (?:if the site connection is secure|your browser before accessing)|Verify you are human|Attention Required! \| Cloudflare).{0,1500}(?:Cloudflare|Ray ID)/i,
  ],
  ['cloudflare', /\bPerformance & security by Cloudflare$/],
];

/** 502 and 504 are in the origin's place; 520 to 530 and 1xxx are findings of Cloudflare's own. */
function isOfOrigin(status: number, text: string): boolean {
  const [, code] = /\bError code:? (\d{3})\b/i.exec(text) ?? [];
  return (
    code === '502' ||
    code === '504' ||
    (code === undefined &&
      (status === 502 || status === 504) &&
      /Bad gateway|Gateway time-?out/i.test(text) &&
      !/ cloudflare$/.test(text))
  );
}
