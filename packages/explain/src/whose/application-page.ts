import type { ParsedAnswer } from './answer.ts';
import { productOfServer } from './products.ts';
import { isJson, type AuthorVerdict, authorVerdict } from './verdict.ts';

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
