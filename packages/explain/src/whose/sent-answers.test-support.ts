import type { AnsweredResponse } from './whose.ts';

const date = 'Sat, 21 Nov 2026 10:00:00 GMT';
const html = 'text/html';
const json = 'application/json';

const answer = (status: number, headers: AnsweredResponse['headers'], body: string): AnsweredResponse => ({
  status,
  headers: { date, ...headers },
  body,
});

const envoy = (reason: string): AnsweredResponse =>
  answer(
    503,
    { server: 'envoy', 'content-type': 'text/plain' },
    `upstream connect error or disconnect/reset before headers. ${reason}`,
  );

const nginx = (title: string, tail: string): string =>
  `<html>\r\n<head><title>${title}</title></head>\r\n<body>\r\n<center><h1>${title}</h1></center>\r\n<hr><center>${tail}</center>\r\n</body>\r\n</html>\r\n`;

const haproxy = (status: number, heading: string, words: string): AnsweredResponse => ({
  status,
  headers: { 'cache-control': 'no-cache', 'content-type': html },
  body: `<html><body><h1>${status} ${heading}</h1>\n${words}\n</body></html>\n`,
});

const apache = (status: number, title: string, words: string): AnsweredResponse =>
  answer(
    status,
    { server: 'Apache/2.4.62 (Debian)', 'content-type': 'text/html; charset=iso-8859-1' },
    `<!DOCTYPE HTML PUBLIC "-//IETF//DTD HTML 2.0//EN">\n<html><head>\n<title>${status} ${title}</title>\n</head><body>\n<h1>${title}</h1>\n<p>${words}</p>\n<hr>\n<address>Apache/2.4.62 (Debian) Server at shop.example Port 80</address>\n</body></html>\n`,
  );

const cloudflare = (status: number, body: string): AnsweredResponse =>
  answer(
    status,
    { server: 'cloudflare', 'cf-ray': '8c1f0a2b3c4d5e6f-FRA', 'content-type': 'text/plain; charset=UTF-8' },
    body,
  );

const kong = (status: number, message: string): AnsweredResponse =>
  answer(
    status,
    { server: 'kong/3.9.0', 'content-type': 'application/json; charset=utf-8', 'x-kong-response-latency': '3' },
    `{\n  "message":"${message}",\n  "request_id":"1f0a2b3c4d5e6f"\n}`,
  );

const vercel = (status: number, code: string): AnsweredResponse =>
  answer(
    status,
    {
      server: 'Vercel',
      'x-vercel-id': 'fra1::abcde',
      'x-vercel-error': code,
      'content-type': 'text/plain; charset=utf-8',
    },
    `An error occurred with your deployment\n\n${code}\n\nfra1::abcde-1775890971000-0123456789ab\n`,
  );

const varnishPage = (reason: string, name: string): string =>
  `<?xml version="1.0" encoding="utf-8"?>\n<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Strict//EN"\n "http://www.w3.org/TR/xhtml1/DTD/xhtml1-strict.dtd">\n<html>\n  <head>\n    <title>503 ${reason}</title>\n  </head>\n  <body>\n    <h1>Error 503 ${reason}</h1>\n    <p>${reason}</p>\n    <h3>Guru ${name}:</h3>\n    <p>${name === 'Mediation' ? 'Details: cache-fra-eddf8230022-FRA 1775890971 123456789' : 'XID: 32770'}</p>\n    <hr>\n    <p>Varnish cache server</p>\n  </body>\n</html>\n`;

/**
 * Whole responses of gateways and servers, as they send them, and what the client's table of signatures reads in them: the
 * author, the cause or the shape, and the delivery where the words prove it.
 */
export const sentAnswers: readonly (readonly [promise: string, response: AnsweredResponse, read: string])[] = [
  [
    'nginx',
    answer(502, { server: 'nginx/1.27.0', 'content-type': html }, nginx('502 Bad Gateway', 'nginx/1.27.0')),
    'nginx - -',
  ],
  [
    'nginx without its version',
    answer(504, { server: 'nginx', 'content-type': html }, nginx('504 Gateway Time-out', 'nginx')),
    'nginx - -',
  ],
  [
    'nginx of Debian',
    answer(
      503,
      { server: 'nginx', 'content-type': html },
      nginx('503 Service Temporarily Unavailable', 'nginx/1.18.0 (Ubuntu)'),
    ),
    'nginx - -',
  ],
  [
    'ingress-nginx',
    answer(503, { 'content-type': html }, nginx('503 Service Temporarily Unavailable', 'nginx')),
    'ingress-nginx - -',
  ],
  [
    'nginx behind Cloudflare',
    answer(502, { server: 'cloudflare', 'cf-ray': 'a', 'content-type': html }, nginx('502 Bad Gateway', 'nginx')),
    'nginx - -',
  ],
  [
    'OpenResty',
    answer(502, { server: 'openresty/1.25.3.1', 'content-type': html }, nginx('502 Bad Gateway', 'openresty/1.25.3.1')),
    'openresty - -',
  ],
  [
    "AWS's application load balancer",
    answer(
      503,
      { server: 'awselb/2.0', 'content-type': html },
      nginx('503 Service Temporarily Unavailable', '').replace(/<hr>.*\r\n/, ''),
    ),
    'aws-alb - -',
  ],
  [
    "Azure's application gateway",
    answer(
      502,
      { server: 'Microsoft-Azure-Application-Gateway/v2', 'content-type': html },
      nginx('502 Bad Gateway', 'Microsoft-Azure-Application-Gateway/v2'),
    ),
    'azure-app-gateway - -',
  ],
  [
    'HAProxy without a server',
    haproxy(503, 'Service Unavailable', 'No server is available to handle this request.'),
    'haproxy no_endpoint_ready not_sent',
  ],
  [
    'HAProxy over a broken response',
    haproxy(502, 'Bad Gateway', 'The server returned an invalid or incomplete response.'),
    'haproxy - -',
  ],
  [
    'HAProxy after its timeout',
    haproxy(504, 'Gateway Time-out', "The server didn't respond in time."),
    'haproxy response_head_timeout sent_unknown',
  ],
  [
    'Envoy over a refused connection',
    envoy('reset reason: remote connection failure, transport failure reason: delayed connect error: 111'),
    'envoy connect_refused not_sent',
  ],
  ['Envoy over a failed connection', envoy('reset reason: connection failure'), 'envoy unreachable not_sent'],
  [
    'Envoy over a connection that took too long',
    envoy('reset reason: connection timeout'),
    'envoy connect_timeout not_sent',
  ],
  [
    'Envoy over an untrusted certificate',
    envoy(
      'reset reason: remote connection failure, transport failure reason: TLS_error:|268435581:SSL routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED:TLS_error_end',
    ),
    'envoy unreachable not_sent',
  ],
  ['Envoy with a full pool', envoy('reset reason: overflow'), 'envoy pool_full not_sent'],
  [
    'Envoy over a connection that the application closed',
    envoy('reset reason: connection termination'),
    'envoy closed_before_response sent_unknown',
  ],
  [
    'Envoy over a stream that the application refused',
    envoy('reset reason: remote refused stream reset'),
    'envoy stream_refused refused_by_peer',
  ],
  [
    'Envoy after retries, which prove nothing',
    envoy(
      'retried and the latest reset reason: remote connection failure, transport failure reason: delayed connect error: 111',
    ),
    'envoy connect_refused -',
  ],
  [
    'words of Envoy from behind an Envoy, which prove nothing',
    answer(
      503,
      { server: 'envoy', 'x-envoy-upstream-service-time': '3', 'content-type': 'text/plain' },
      'upstream connect error or disconnect/reset before headers. reset reason: connection failure, transport failure reason: delayed connect error: 111',
    ),
    'envoy connect_refused -',
  ],
  ['Envoy over a response that is no HTTP', envoy('reset reason: protocol error'), 'envoy garbage response_started'],
  [
    'Envoy without an endpoint',
    answer(503, { server: 'envoy', 'content-type': 'text/plain' }, 'no healthy upstream'),
    'envoy no_endpoint_ready -',
  ],
  [
    'Istio after its timeout',
    answer(504, { server: 'istio-envoy', 'content-type': 'text/plain' }, 'upstream request timeout'),
    'istio response_head_timeout sent_unknown',
  ],
  [
    "Google's load balancer, an Envoy",
    answer(503, { via: '1.1 google', 'content-type': 'text/plain' }, 'no healthy upstream'),
    'gcp-lb no_endpoint_ready -',
  ],
  [
    "Envoy's rate limit",
    answer(429, { server: 'envoy', 'content-type': 'text/plain' }, 'local_rate_limited'),
    'envoy refused_by_gateway not_sent',
  ],
  [
    'an application behind Envoy',
    answer(
      503,
      { server: 'istio-envoy', 'x-envoy-upstream-service-time': '12', 'content-type': 'text/plain' },
      'try later',
    ),
    'application app_error response_started',
  ],
  [
    'Apache over a broken response',
    apache(
      502,
      'Proxy Error',
      'The proxy server received an invalid\r\nresponse from an upstream server.<br />\r\nThe proxy server could not handle the request',
    ),
    'apache - -',
  ],
  [
    'Apache without the application',
    apache(
      503,
      'Service Unavailable',
      'The server is temporarily unable to service your\nrequest due to maintenance downtime or capacity\nproblems. Please try again later.',
    ),
    'apache - -',
  ],
  [
    'Apache after its timeout',
    apache(
      504,
      'Gateway Timeout',
      'The gateway did not receive a timely response\nfrom the upstream server or application.',
    ),
    'apache too_slow -',
  ],
  [
    'Traefik without a server',
    answer(
      503,
      { 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff' },
      'no available server\n',
    ),
    'traefik no_endpoint_ready not_sent',
  ],
  ['Caddy, which sends no body', answer(502, { server: 'Caddy' }, ''), 'caddy - -'],
  ['Kong over a broken response', kong(502, 'An invalid response was received from the upstream server'), 'kong - -'],
  [
    'Kong without a target',
    kong(503, 'failure to get a peer from the ring-balancer'),
    'kong no_endpoint_ready not_sent',
  ],
  ['Kong without a route', kong(404, 'no Route matched with those values'), 'kong no_route not_sent'],
  [
    'APISIX without a route',
    answer(404, { server: 'APISIX/3.9.0', 'content-type': json }, '{"error_msg":"404 Route Not Found"}\n'),
    'apisix no_route not_sent',
  ],
  ['Cloudflare over a refused connection', cloudflare(521, 'error code: 521'), 'cloudflare connect_refused not_sent'],
  [
    'Cloudflare over an origin that it cannot reach',
    cloudflare(522, 'error code: 522'),
    'cloudflare connect_timeout -',
  ],
  ['Cloudflare after its timeout', cloudflare(524, 'error code: 524'), 'cloudflare response_head_timeout sent_unknown'],
  ['Cloudflare over a failed handshake', cloudflare(525, 'error code: 525'), 'cloudflare unreachable not_sent'],
  ['Cloudflare over a name', cloudflare(530, 'error code: 1016'), 'cloudflare dns_failed not_sent'],
  ["Cloudflare's rate limit", cloudflare(429, 'error code: 1015'), 'cloudflare refused_by_gateway not_sent'],
  [
    "Cloudflare's page for browsers",
    cloudflare(
      522,
      `<!DOCTYPE html>\n<!--[if lt IE 7]> <html class="no-js ie6 oldie" lang="en-US"> <![endif]-->\n<!--[if IE 7]>    <html class="no-js ie7 oldie" lang="en-US"> <![endif]-->\n<head>\n<title>shop.example | 522: Connection timed out</title></head><body><div id="cf-wrapper"><div id="cf-error-details">`,
    ),
    'cloudflare connect_timeout -',
  ],
  [
    'CloudFront',
    answer(
      504,
      {
        server: 'CloudFront',
        'x-cache': 'Error from cloudfront',
        via: '1.1 a.cloudfront.net (CloudFront)',
        'content-type': html,
      },
      '<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 4.01 Transitional//EN" "http://www.w3.org/TR/html4/loose.dtd">\n<HTML><HEAD><META HTTP-EQUIV="Content-Type" CONTENT="text/html; charset=iso-8859-1">\n<TITLE>ERROR: The request could not be satisfied</TITLE>\n</HEAD><BODY>\n<H1>504 ERROR</H1>\n<H2>The request could not be satisfied.</H2>\n<HR noshade size="1px">\nGenerated by cloudfront (CloudFront)',
    ),
    'cloudfront - -',
  ],
  ['Vercel after its timeout', vercel(504, 'FUNCTION_INVOCATION_TIMEOUT'), 'vercel response_head_timeout sent_unknown'],
  [
    'Vercel without a response of the function',
    vercel(502, 'NO_RESPONSE_FROM_FUNCTION'),
    'vercel closed_before_response sent_unknown',
  ],
  ['Vercel over a name', vercel(502, 'DNS_HOSTNAME_NOT_FOUND'), 'vercel dns_failed not_sent'],
  [
    "Google's front end",
    answer(
      502,
      { 'content-type': 'text/html; charset=UTF-8' },
      '<!DOCTYPE html>\n<html lang=en>\n  <meta charset=utf-8>\n  <meta name=viewport content="initial-scale=1, minimum-scale=1, width=device-width">\n  <title>Error 502 (Server Error)!!1</title>\n  <style>',
    ),
    'google-frontend - -',
  ],
  [
    "Heroku's router",
    answer(
      503,
      { server: 'Heroku', 'cache-control': 'no-cache, no-store', 'content-type': 'text/html; charset=utf-8' },
      '<!DOCTYPE html>\n<html>\n<head>\n<title>Application Error</title>\n<style></style></head><body><iframe src="https://www.herokucdn.com/error-pages/application-error.html"></iframe></body></html>',
    ),
    'heroku - -',
  ],
  [
    'Varnish',
    answer(
      503,
      { server: 'Varnish', 'x-varnish': '32769', via: '1.1 v (Varnish/7.1)', 'content-type': html },
      varnishPage('Backend fetch failed', 'Meditation'),
    ),
    'varnish - -',
  ],
  [
    'Fastly after its timeout',
    answer(
      503,
      { server: 'Varnish', via: '1.1 varnish', 'x-served-by': 'cache-fra-a-FRA', 'content-type': html },
      varnishPage('first byte timeout', 'Mediation'),
    ),
    'fastly response_head_timeout sent_unknown',
  ],
  [
    'Fly, which sends no body',
    answer(502, { server: 'Fly/6d530f8f2 (2026-09-29)', 'fly-request-id': 'a', via: '1.1 fly.io' }, ''),
    'fly - -',
  ],
  [
    'Candor by the type of its problem',
    {
      status: 502,
      headers: { 'content-type': 'application/problem+json' },
      body: '{\n  "type": "urn:candor:failure:connect_refused",\n  "title": "Unreachable",\n  "cause": "connect_refused",\n  "proxy_error": "connection_refused",\n  "may_have_been_executed": false\n}\n',
    },
    'candor - -',
  ],
  [
    'Express',
    answer(
      500,
      { 'x-powered-by': 'Express', 'content-type': 'text/html; charset=utf-8' },
      '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>Error</title>\n</head>\n<body>\n<pre>Internal Server Error</pre>\n</body>\n</html>\n',
    ),
    'application app_error response_started',
  ],
  [
    'Fastify and NestJS',
    answer(503, { 'content-type': json }, '{"statusCode":503,"error":"Service Unavailable","message":"busy"}'),
    'application app_error response_started',
  ],
  [
    'Django under gunicorn',
    answer(
      500,
      { server: 'gunicorn', 'content-type': html },
      '\n<!doctype html>\n<html lang="en">\n<head>\n  <title>Server Error (500)</title>\n</head>\n<body>\n  <h1>Server Error (500)</h1><p></p>\n</body>\n</html>\n',
    ),
    'application app_error response_started',
  ],
  [
    'uvicorn',
    answer(500, { server: 'uvicorn', 'content-type': 'text/plain; charset=utf-8' }, 'Internal Server Error'),
    'application app_error response_started',
  ],
  [
    'Spring',
    answer(
      500,
      { 'content-type': json },
      '{"timestamp":"2026-11-21T10:00:00.000+00:00","status":500,"error":"Internal Server Error","path":"/"}',
    ),
    'application app_error response_started',
  ],
  [
    'an API of its own',
    answer(503, { server: 'nginx', 'content-type': json }, '{"ok":false,"reason":"database"}'),
    'application app_error response_started',
  ],
  [
    'a 404 of an application, which is no failure of it',
    answer(404, { server: 'uvicorn', 'content-type': json }, '{"detail":"Not Found"}'),
    'application - -',
  ],
  [
    'an application whose gateway reports that it received the status',
    answer(503, { 'proxy-status': 'shop;received-status=503', 'content-type': html }, '<h1>busy</h1>'),
    'application app_error response_started',
  ],
  ['no author of an empty 502', answer(502, {}, ''), 'unknown - -'],
];
