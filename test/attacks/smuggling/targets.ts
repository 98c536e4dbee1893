import { hidden, message, post, refused, type SmugglingPayload, taken } from './payload.ts';

const host = '\r\nHost: a\r\n\r\n';

/** Request lines, versions, and targets that are odd. */
export const requestLines: readonly SmugglingPayload[] = [
  refused('request-line', 'two spaces behind the method', `GET  /hidden HTTP/1.1${host}`),
  refused('method-token', 'a tab behind the method', `GET\t/hidden HTTP/1.1${host}`),
  refused('request-line', 'a space before the method', ` GET /hidden HTTP/1.1${host}`),
  refused('method-token', 'a method with a colon', `GET: /hidden HTTP/1.1${host}`),
  refused('method-too-long', 'a method of a hundred letters', `${'G'.repeat(100)} /hidden HTTP/1.1${host}`),
  refused('request-line', 'two spaces before the version', `GET /hidden  HTTP/1.1${host}`),
  refused('request-line', 'a space behind the version', `GET /hidden HTTP/1.1 ${host}`),
  refused('request-line', 'a space within the target', `GET /a HTTP/1.1 /hidden HTTP/1.1${host}`),
  refused('request-line', 'a line ending within the target', `GET /a\r\nX: HTTP/1.1${host}`),
  refused('target-octets', 'a zero octet within the target', `GET /a\0b HTTP/1.1${host}`),
  refused('target-octets', 'a tab within the target', `GET /a\tHTTP/1.1${host}`),
  refused('target-octets', 'an octet above 127 within the target', `GET /\xe9 HTTP/1.1${host}`),
  refused('target-octets', 'a fragment in the target', `GET /a#/hidden HTTP/1.1${host}`),
  refused('target-octets', 'a fragment behind a query', `GET /a?b#/hidden HTTP/1.1${host}`),
  refused('request-line', 'no version', `GET /hidden\r\n${hidden}`),
  refused('request-line', 'no target', `GET HTTP/1.1${host}`),
  refused('version-syntax', 'a version of one digit', `GET / HTTP/1${host}${hidden}`),
  refused('version-syntax', 'a version of two digits', `GET / HTTP/1.10${host}${hidden}`),
  refused('version-syntax', 'a version with a zero before it', `GET / HTTP/01.1${host}${hidden}`),
  refused('request-line', 'a version in small letters', `GET / http/1.1${host}${hidden}`),
  refused('version-syntax', 'another protocol of the same form', `GET / HTTQ/1.1${host}${hidden}`),
  refused('version-unsupported', 'version 3.0', `GET / HTTP/3.0${host}${hidden}`),
  refused('version-unsupported', 'version 0.9', `GET / HTTP/0.9${host}${hidden}`),
  refused('http2-not-offered', 'the preface of HTTP/2', `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n${hidden}`),
  refused('connect-not-offered', 'CONNECT', `CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n${hidden}`),
  refused('connect-not-offered', 'CONNECT with a path', `CONNECT /hidden HTTP/1.1${host}`),
  refused('target-form', 'an authority as target', `GET a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n${hidden}`),
  refused('target-form', 'a target without a slash', `GET hidden HTTP/1.1${host}`),
  refused('target-form', 'a target with a query alone', `GET ?hidden HTTP/1.1${host}`),
  refused('target-form', 'an asterisk for GET', `GET * HTTP/1.1${host}${hidden}`),
  refused('target-form', 'a path behind an asterisk', `OPTIONS */hidden HTTP/1.1${host}`),
  taken(2, 'version 1.9, read as 1.1', `GET / HTTP/1.9${host}${hidden}`),
  taken(1, 'two slashes before a host', `GET //b/hidden HTTP/1.1${host}`),
  taken(1, 'a path that goes up', `GET /a/../../hidden HTTP/1.1${host}`),
  taken(1, 'escaped line endings in a path', `GET /a%0d%0aHost:%20b HTTP/1.1${host}`),
  taken(1, 'a whole request in a query', `GET /a?%20HTTP/1.1%0d%0a%0d%0aGET%20/hidden HTTP/1.1${host}`),
  taken(1, 'a method in small letters', `get /hidden HTTP/1.1${host}`),
];

/** Hosts: none, many, and what is none. */
export const hosts: readonly SmugglingPayload[] = [
  refused('host-missing', 'no Host', `GET / HTTP/1.1\r\n\r\n${hidden}`),
  refused('host-repeated', 'two Hosts', message('GET / HTTP/1.1', 'Host: a', 'Host: b') + hidden),
  refused('host-repeated', 'two Hosts that are the same', message('GET / HTTP/1.1', 'Host: a', 'host: a') + hidden),
  refused('host-repeated', 'a Host and an empty one', message('GET / HTTP/1.1', 'Host: a', 'Host:') + hidden),
  refused('host-invalid', 'a Host with a path', message('GET / HTTP/1.1', 'Host: a/b') + hidden),
  refused('host-invalid', 'a Host with a user', message('GET / HTTP/1.1', 'Host: a@b') + hidden),
  refused('host-invalid', 'a Host with a space', message('GET / HTTP/1.1', 'Host: a b') + hidden),
  refused('host-invalid', 'a Host that is a list', message('GET / HTTP/1.1', 'Host: a, b') + hidden),
  refused('host-invalid', 'a Host whose port is a word', message('GET / HTTP/1.1', 'Host: a:b') + hidden),
  refused('host-invalid', 'a Host with two ports', message('GET / HTTP/1.1', 'Host: a:80:81') + hidden),
  refused('host-invalid', 'a Host with a query', message('GET / HTTP/1.1', 'Host: a?b') + hidden),
  taken(2, 'a Host nominated by Connection', message('GET / HTTP/1.1', 'Host: a', 'Connection: host') + hidden),
  taken(
    2,
    'another host said elsewhere',
    message('GET / HTTP/1.1', 'Host: a', 'X-Forwarded-Host: b', 'X-Host: b') + hidden,
  ),
];

/** Targets in absolute-form beside a Host. */
export const absoluteTargets: readonly SmugglingPayload[] = [
  refused('host-missing', 'an absolute target without Host', `GET http://a/ HTTP/1.1\r\n\r\n${hidden}`),
  refused('host-repeated', 'two Hosts and an absolute target', message('GET http://a/ HTTP/1.1', 'Host: a', 'Host: a')),
  refused('host-disagrees', 'an absolute target that Host contradicts', message('GET http://b/ HTTP/1.1', 'Host: a')),
  refused('host-disagrees', 'an absolute target of another port', message('GET http://a:81/ HTTP/1.1', 'Host: a')),
  refused('host-invalid', 'an absolute target with a user', message('GET http://a@b/ HTTP/1.1', 'Host: b') + hidden),
  refused('host-invalid', 'an absolute target without a host', message('GET http:/// HTTP/1.1', 'Host: a') + hidden),
  refused('target-form', 'an absolute target of another scheme', message('GET https://a/ HTTP/1.1', 'Host: a')),
  refused('target-form', 'an absolute target of ftp', message('GET ftp://a/ HTTP/1.1', 'Host: a') + hidden),
  taken(1, 'an absolute target that Host repeats', message('GET http://a/hidden HTTP/1.1', 'Host: a')),
  taken(1, 'an absolute target in capitals', message('GET HTTP://A/hidden HTTP/1.1', 'Host: a')),
  refused(
    'host-disagrees',
    'an absolute target with a dot behind its host',
    message('GET http://a./ HTTP/1.1', 'Host: a'),
  ),
  refused(
    'host-disagrees',
    'an absolute target and an empty Host',
    message('GET http://a/ HTTP/1.1', 'Host:') + hidden,
  ),
  refused(
    'host-disagrees',
    'an absolute target that names another behind a length',
    `${post('Content-Length: 3')}abc${message('GET http://b/hidden HTTP/1.1', 'Host: a')}`,
    1,
  ),
  taken(1, 'an absolute target with its usual port', message('GET http://a:80/hidden HTTP/1.1', 'Host: a')),
  taken(1, 'an absolute target without a path', message('GET http://a HTTP/1.1', 'Host: a')),
  taken(1, 'an absolute target without a path, with a query', message('GET http://a?x=http://b/ HTTP/1.1', 'Host: a')),
  taken(1, 'an absolute target within a path', message('GET /http://b/hidden HTTP/1.1', 'Host: a')),
  taken(
    2,
    'an absolute target of HTTP/1.0',
    message('GET http://a/ HTTP/1.0', 'Host: a', 'Connection: keep-alive') + hidden,
  ),
];
