import type { ParsedAnswer } from './answer.ts';
import type { Layer } from './layer.ts';
import { type AuthorVerdict, authorVerdict } from './verdict.ts';

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
