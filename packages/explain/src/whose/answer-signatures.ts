import type { Layer } from './layer.ts';

/**
 * What shows the author of a failed response in its status, five headers and the first 256 bytes of its body. The client
 * has a table of it (`scripts/write-signatures.ts`), in place of the full rules. A signature is narrower than the rules: where the
 * rest of a response usually changes their verdict, no signature matches.
 *
 * A pattern matches the text `STATUS|Server|Via|1 where Date came|x-envoy-upstream-service-time`, a form feed, and the body's
 * beginning (`packages/client/src/signatures/read-signature.ts`). Proxy-Status, the fifth header, is read without a pattern.
 */

/** Stands in patterns for nginx's page up to the name of its server. */
const page =
  '\\f<html>\\s*<head>\\s*<title>[^<]*</title>\\s*</head>\\s*<body[^>]*>\\s*<center>\\s*<h1>[^<]*</h1>\\s*</center>\\s*';
/** Stands in patterns for the words of an Envoy. */
const words =
  '\\f(?:upstream connect error or disconnect/reset bef|(?:no healthy upstream|upstream request timeout|upstream max stream duration reached|RBAC: access denied|local_rate_limited)\\s*$)';

/** What `~` and `@` stand for in the patterns below, so that the table has both once. */
export const signatureAbbreviations = { '~': page, '@': words } as const;

/** The first match counts: pages, then what shows that a response only passed a gateway, then names. */
export const answerSignatures: readonly (readonly [author: Layer, pattern: string])[] = [
  ['candor', '\\f\\{\\s*"type": ?"urn:candor:failure:'],
  // ingress-nginx removes `Server`; where Date cannot be seen either, the caller is a browser that hides both.
  ['ingress-nginx', '^\\d+\\|\\|[^|]*\\|1.*~<hr>\\s*<center>nginx<'],
  ['nginx', '~<hr>\\s*<center>nginx'],
  ['openresty', '^\\d+\\|(?!kong|APISIX|\\|).*~<hr>\\s*<center>openresty[^<]*</center>\\s*</body>\\s*</html>\\s*$'],
  ['cloudflare', '~<hr>\\s*<center>cloudflare'],
  ['azure-app-gateway', '~<hr>\\s*<center>Microsoft-Azure'],
  ['aws-alb', '~</body>'],
  [
    'cloudflare',
    '\\ferror code: \\d{3,4}\\s*$|^5(?:2\\d|30)\\|cloudflare.*\\f<!DOCTYPE html>\\s*<(?:!--\\[if lt IE 7\\]> <html class="no-js ie6 |[^]*/cdn-cgi/styles/)',
  ],
  ['istio', '^\\d+\\|istio.*@'],
  ['envoy', '^\\d+\\|envoy.*@'],
  ['google-frontend', '\\|Google F.*@|\\f<[^]*<title>Error \\d+ \\([^)]+\\)!!1'],
  ['gcp-lb', '\\|1\\.1 google\\|.*@'],
  ['envoy', '^\\d+\\|[^|]*\\|(?!.*google).*@'],
  [
    'haproxy',
    '\\f\\s*<html><body><h1>\\d+ [^<]*</h1>\\s*(?:No server is av|The server (?:retur|didn)|Request forb|Your browser (?:sent an|didn)|You have sent too)',
  ],
  ['traefik', '\\fno available server\\s*$'],
  [
    'kong',
    '\\f\\s*\\{[^]*"(?:An invalid response was received from the up|The upstream server is (?:timing out|currently un)|no Route matched with|failure to get a peer)',
  ],
  ['apisix', '\\f\\{"error_msg": ?"404 Route'],
  ['cloudfront', '\\f<[^]*The request could not be satis'],
  ['vercel', '\\n[A-Z_]{6,}\\n\\n[a-z]{3}\\d::'],
  ['apache', '\\f<!DOCTYPE HTML PUBLIC "-//IETF//DTD HTML 2\\.0//EN">\\s*<html><head>\\s*<title>\\d{3} '],
  ['varnish', '^503\\|Varnish\\|[^|]*\\(Varnish/'],
  ['fastly', '\\fFastly error: |^503\\|Varnish\\|1\\.1 varnish(?:, 1\\.1 varnish)*\\|'],
  ['iis', '\\f<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 4\\.01//EN""'],
  ['akamai', 'Reference&#32;&#35;'],
  ['railway', '\\f\\{"status":"error","code":\\d+,"message":"Application failed'],
  ['kamal-proxy', '<title>50\\d — '],
  [
    'application',
    '\\f\\s*\\{"(?:statusCode":\\d|timestamp":[^]{1,80}"status":\\d)|<title>Error</title>\\s*</head>\\s*<body>\\s*<pre>|\\f<!doctype html>\\s*<html lang=en>\\s*<title>\\d{3} [^<]*</title>\\s*<h1>|<title>HTTP Status \\d{3} –|<h1>Server Error \\(500\\)<|<h1><p>Internal Server Error</p><',
  ],
  // Envoy's time of the upstream, and Via of those that add it to what they pass on.
  ['application', '^\\d+\\|[^|]*\\|(?:[^|]*\\b(?:vegur|heroku-router|Caddy)\\b|[^|]*\\|[^|]*\\|\\d+\\f.)'],
  [
    'application',
    '^\\d+\\|(?:gunicorn|uvicorn|hypercorn|daphne|Kestrel|Werkzeug|waitress|Puma|Jetty|Apache-Coyote|Tornado)',
  ],
  ['aws-alb', '^\\d+\\|awselb/'],
  ['heroku', '^5\\d\\d\\|Heroku\\|\\|'],
  ['caddy', '^\\d+\\|Caddy\\|\\|.*\\f$'],
  ['fly', '^5\\d\\d\\|Fly/.*\\f$'],
  ['istio', '^\\d+\\|istio-envoy\\|.*\\|\\f$'],
  ['envoy', '^\\d+\\|envoy\\|.*\\|\\f$'],
];
