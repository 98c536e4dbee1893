/** Written by scripts/write-signatures.ts from packages/explain/src/whose. Change it there. */
export const abbreviations = [
  [
    String.raw`~`,
    String.raw`\f<html>\s*<head>\s*<title>[^<]*</title>\s*</head>\s*<body[^>]*>\s*<center>\s*<h1>[^<]*</h1>\s*</center>\s*`,
  ],
  [
    String.raw`@`,
    String.raw`\f(?:upstream connect error or disconnect/reset bef|(?:no healthy upstream|upstream request timeout|upstream max stream duration reached|RBAC: access denied|local_rate_limited)\s*$)`,
  ],
] as const;
/** Author and pattern. */
export const authors = String.raw`candor \f\{\s*"type": ?"urn:candor:failure:
ingress-nginx ^\d+\|\|[^|]*\|1.*~<hr>\s*<center>nginx<
nginx ~<hr>\s*<center>nginx
openresty ^\d+\|(?!kong|APISIX|\|).*~<hr>\s*<center>openresty[^<]*</center>\s*</body>\s*</html>\s*$
cloudflare ~<hr>\s*<center>cloudflare
azure-app-gateway ~<hr>\s*<center>Microsoft-Azure
aws-alb ~</body>
cloudflare \ferror code: \d{3,4}\s*$|^5(?:2\d|30)\|cloudflare.*\f<!DOCTYPE html>\s*<(?:!--\[if lt IE 7\]> <html class="no-js ie6 |[^]*/cdn-cgi/styles/)
istio ^\d+\|istio.*@
envoy ^\d+\|envoy.*@
google-frontend \|Google F.*@|\f<[^]*<title>Error \d+ \([^)]+\)!!1
gcp-lb \|1\.1 google\|.*@
envoy ^\d+\|[^|]*\|(?!.*google).*@
haproxy \f\s*<html><body><h1>\d+ [^<]*</h1>\s*(?:No server is av|The server (?:retur|didn)|Request forb|Your browser (?:sent an|didn)|You have sent too)
traefik \fno available server\s*$
kong \f\s*\{[^]*"(?:An invalid response was received from the up|The upstream server is (?:timing out|currently un)|no Route matched with|failure to get a peer)
apisix \f\{"error_msg": ?"404 Route
cloudfront \f<[^]*The request could not be satis
vercel \n[A-Z_]{6,}\n\n[a-z]{3}\d::
apache \f<!DOCTYPE HTML PUBLIC "-//IETF//DTD HTML 2\.0//EN">\s*<html><head>\s*<title>\d{3} 
varnish ^503\|Varnish\|[^|]*\(Varnish/
fastly \fFastly error: |^503\|Varnish\|1\.1 varnish(?:, 1\.1 varnish)*\|
iis \f<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 4\.01//EN""
akamai Reference&#32;&#35;
railway \f\{"status":"error","code":\d+,"message":"Application failed
kamal-proxy <title>50\d — 
application \f\s*\{"(?:statusCode":\d|timestamp":[^]{1,80}"status":\d)|<title>Error</title>\s*</head>\s*<body>\s*<pre>|\f<!doctype html>\s*<html lang=en>\s*<title>\d{3} [^<]*</title>\s*<h1>|<title>HTTP Status \d{3} –|<h1>Server Error \(500\)<|<h1><p>Internal Server Error</p><|^\d+\|[^|]*\|(?:[^|]*\b(?:vegur|heroku-router|Caddy)\b|[^|]*\|[^|]*\|\d+\f.)|^\d+\|(?:gunicorn|uvicorn|hypercorn|daphne|Kestrel|Werkzeug|waitress|Puma|Jetty|Apache-Coyote|Tornado)
aws-alb ^\d+\|awselb/
heroku ^5\d\d\|Heroku\|\|
caddy ^\d+\|Caddy\|\|.*\f$
fly ^5\d\d\|Fly/.*\f$
istio ^\d+\|istio-envoy\|.*\|\f$
envoy ^\d+\|envoy\|.*\|\f$`;
/** Authors, word, delivery and pattern. */
export const failures = String.raw`cloudflare http_request_denied not_sent code: 1015
cloudflare dns_failed not_sent code: 1016
cloudflare http_request_denied not_sent code: 1020
cloudflare no_endpoint_ready not_sent code: 1033
cloudflare http_protocol_error - ^520|code: 520
cloudflare connect_refused not_sent ^521|code: 521
cloudflare connect_timeout - ^522|code: 522
cloudflare connect_unroutable not_sent ^523|code: 523
cloudflare response_head_timeout sent_unknown ^524|code: 524
cloudflare tls_protocol_error not_sent ^525|code: 525
cloudflare tls_certificate_error not_sent ^526|code: 526
envoy,istio,gcp-lb,google-frontend connect_refused not_sent reset reason: (?:remote |local )?connection failure.{0,120}connect error: 111\b
envoy,istio,gcp-lb,google-frontend connect_unroutable not_sent reset reason: (?:remote |local )?connection failure.{0,120}connect error: 113\b
envoy,istio,gcp-lb,google-frontend tls_certificate_error not_sent reset reason: (?:remote |local )?connection failure.{0,120}CERTIFICATE_VERIFY_FAILED
envoy,istio,gcp-lb,google-frontend unreachable not_sent reset reason: (?:remote |local )?connection failure
envoy,istio,gcp-lb,google-frontend connect_timeout not_sent reset reason: connection timeout
envoy,istio,gcp-lb,google-frontend pool_full not_sent reset reason: overflow
envoy,istio,gcp-lb,google-frontend stream_refused refused_by_peer reset reason: remote refused stream reset
envoy,istio,gcp-lb,google-frontend closed_before_response sent_unknown reset reason: connection termination
envoy,istio,gcp-lb,google-frontend reset_before_response sent_unknown reset reason: remote reset
envoy,istio,gcp-lb,google-frontend connection_terminated sent_unknown reset reason: local reset
envoy,istio,gcp-lb,google-frontend http_protocol_error response_started reset reason: protocol error
envoy,istio,gcp-lb,google-frontend no_endpoint_ready - \fno healthy upstream
envoy,istio,gcp-lb,google-frontend response_head_timeout sent_unknown \fupstream (?:request timeout|max stream duration)
envoy,istio,gcp-lb,google-frontend http_request_denied not_sent \f(?:RBAC: access denied|local_rate_limited|Jwt )
haproxy no_endpoint_ready not_sent No server is available to handle this request
haproxy response_head_timeout sent_unknown The server didn't respond in time
haproxy http_request_denied not_sent Request forbidden by administrative rules|You have sent too many requests
haproxy http_request_error not_sent Your browser sent an invalid request
haproxy http_request_error - Your browser didn't send a complete request in time
apache too_slow - did not receive a timely response
traefik no_endpoint_ready not_sent \fno available server
kong no_endpoint_ready not_sent failure to get a peer from the ring-balancer
kong dns_failed not_sent "name resolution failed"
kong no_route not_sent no Route matched with those values
apisix no_route not_sent 404 Route Not Found
kamal-proxy too_slow - <title>504 
aws-api-gateway response_head_timeout sent_unknown Endpoint request timed out
aws-api-gateway http_request_denied not_sent Too Many Requests|Limit Exceeded
vercel response_head_timeout sent_unknown \b(?:\w{1,40}_)?INVOCATION_TIMEOUT\b|Function has timed out
vercel closed_before_response sent_unknown \bNO_RESPONSE_FROM_FUNCTION\b
vercel dns_failed not_sent \bDNS_HOSTNAME_(?:NOT_FOUND|RESOLVE_FAILED|SERVER_ERROR|EMPTY)\b
vercel connection_limit_reached not_sent \bFUNCTION_THROTTLED\b
fastly,varnish response_head_timeout sent_unknown \bfirst byte timeout\b
fastly no_endpoint_ready not_sent \b(?:[Bb]ackend is unhealthy|No healthy backends)\b
fastly no_route not_sent Fastly error: unknown domain`;
/** What a word means: shape, cause and whose. */
export const meanings = String.raw`http_protocol_error garbage - -
connect_refused unreachable = application
connect_timeout unreachable = network
connect_unroutable unreachable = network
response_head_timeout too_slow = application
tls_protocol_error unreachable - -
tls_certificate_error unreachable - -
http_request_denied refused_by_gateway - -
dns_failed unreachable = network
no_endpoint_ready refused_by_gateway = application
unreachable unreachable - -
pool_full refused_by_gateway = gateway
stream_refused reset = application
closed_before_response reset = application
reset_before_response reset = application
connection_terminated reset - -
http_request_error client_abort - -
too_slow too_slow - -
no_route refused_by_gateway = client
connection_limit_reached refused_by_gateway - -`;
