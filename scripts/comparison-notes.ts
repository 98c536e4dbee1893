/**
 * Facts for a fair reading of each gateway's results: deliberate behaviour, statements of its makers, changes in newer
 * versions.
 */
export const comparisonNotes: Readonly<Record<string, readonly string[]>> = {
  candor: [
    'It is the only one that was tested against this suite while it was written.',
    'It misleads nobody here either; [with the health checks that it makes by default](#candor-at-its-defaults) it answers 503 where a check has failed.',
  ],
  nginx: [
    'What does not begin with a status line is taken for HTTP/0.9 and passed on as it is; its makers keep that for applications that need it, and being stricter is discussed (nginx/nginx#1501).',
    'Newer versions refuse two lengths, and a length beside chunks, with 502. Since 1.29 it understands 103, and passes it on where `early_hints` says so.',
    'It does not start with a name that cannot be resolved, unless a resolver is configured, so that part was not tried.',
  ],
  haproxy: [
    'Closing a used connection without an answer when the origin closed its own is deliberate: it shows the client what the origin did, and the client may repeat the request (RFC 9112 §9.3.1; haproxy/haproxy#1423). `retry-on` can have HAProxy ask again itself; it does not by default, since something might be done twice.',
    'Whatever goes wrong with connecting is a 503. By default it tries three more times, a second apart, before it says that a port is closed.',
    'Version 2.6 is of 2022. What newer versions do about control bytes and odd status codes was not looked at.',
  ],
  caddy: [
    'It has no timeout for a response head and none between bytes unless they are configured, as they are here.',
    'A response head that comes too late is answered 504 since 2.6 (caddyserver/caddy#4824), a connection that is not taken 502.',
    'Version 2.6 is of 2022 and completes a chunked answer that broke off; newer ones abort it (caddyserver/caddy#5952).',
  ],
  apache2: [
    'What does not begin with a status line is taken for HTTP/0.9, and given a 200.',
    'On a used connection it closes without an answer when the origin closed its own, so that the client may repeat the request.',
    'With `retry=0` an origin that failed is asked again at once. By default Apache answers 503 for a minute after a connection failed, which is kind to the origin and says nothing about this request.',
  ],
};
