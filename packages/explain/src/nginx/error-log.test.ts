import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { proxyErrors } from '../../../failures/src/proxy-error.ts';
import { isGatewayFailure } from '../finding.ts';
import { findingOfLine, inShort } from './reading.test-support.ts';

const context = (upstream = 'http://10.0.0.5:8080/cart'): string =>
  `client: 192.0.2.7, server: shop.example, request: "GET /cart HTTP/1.1", upstream: "${upstream}", host: "shop.example"`;
const line = (level: string, said: string, fields = context()): string =>
  `2026/11/21 21:59:48 [${level}] 30892#30892: *42 ${said}, ${fields}`;
const error = (said: string, upstream?: string): string => line('error', said, context(upstream));

const connecting = 'while connecting to upstream';
const waiting = 'while reading response header from upstream';
const handshaking = 'while SSL handshaking to upstream';

const upstreamLines: readonly (readonly [string, string])[] = [
  [error(`connect() failed (111: Connection refused) ${connecting}`), 'error unreachable connection_refused connect'],
  [error(`connect() failed (111: Unknown error) ${connecting}`), 'error unreachable connection_refused connect'],
  [error(`connect() failed (61: Connection refused) ${connecting}`), 'error unreachable connection_refused connect'],
  [
    error(`connect() failed (113: No route to host) ${connecting}`),
    'error unreachable destination_ip_unroutable connect',
  ],
  [
    error(`connect() failed (113: Host is unreachable) ${connecting}`),
    'error unreachable destination_ip_unroutable connect',
  ],
  [
    error(`connect() failed (101: Network is unreachable) ${connecting}`),
    'error unreachable destination_ip_unroutable connect',
  ],
  [
    error(`connect() failed (65: No route to host) ${connecting}`),
    'error unreachable destination_ip_unroutable connect',
  ],
  [error(`connect() failed (110: Operation timed out) ${connecting}`), 'error unreachable connection_timeout connect'],
  [
    line('crit', `connect() to 10.0.0.5:8080 failed (13: Permission denied) ${connecting}`),
    'error unreachable connection_refused connect',
  ],
  [
    line(
      'crit',
      `connect() to unix:/run/app.sock failed (2: No such file or directory) ${connecting}`,
      context('http://unix:/run/app.sock:/cart'),
    ),
    'error unreachable connection_refused connect',
  ],
  [
    error(
      `connect() to unix:/run/php.sock failed (11: Resource temporarily unavailable) ${connecting}`,
      'fastcgi://unix:/run/php.sock:',
    ),
    'error unreachable connection_refused connect',
  ],
  [
    line('crit', `connect() to 10.0.0.5:8080 failed (99: Cannot assign requested address) ${connecting}`),
    'error refused_by_gateway connection_limit_reached connect',
  ],
  [
    line('alert', `socket() failed (24: Too many open files) ${connecting}`),
    'error refused_by_gateway connection_limit_reached route',
  ],
  [
    error(`upstream timed out (110: Connection timed out) ${connecting}`),
    'error unreachable connection_timeout connect',
  ],
  [
    error(`upstream timed out (60: Operation timed out) ${handshaking}`, 'https://10.0.0.5:8443/'),
    'error unreachable connection_timeout tls',
  ],
  [
    error('upstream timed out (110: Operation timed out) while sending request to upstream'),
    'error too_slow connection_write_timeout send',
  ],
  [
    error(`upstream timed out (110: Connection timed out) ${waiting}`),
    'error too_slow connection_read_timeout response',
  ],
  [
    error('upstream timed out (110: Connection timed out) while reading upstream'),
    'error too_slow connection_read_timeout body',
  ],
  [error('upstream timed out (110: Connection timed out) while proxying upgraded connection'), 'event none - -'],
  [error(`upstream prematurely closed connection ${waiting}`), 'error reset connection_terminated response'],
  [error('upstream prematurely closed connection while reading upstream'), 'error reset http_response_incomplete body'],
  [error(`recv() failed (104: Connection reset by peer) ${waiting}`), 'error reset connection_terminated response'],
  [error(`recv() failed (54: Connection reset by peer) ${waiting}`), 'error reset connection_terminated response'],
  [
    error('writev() failed (32: Broken pipe) while sending request to upstream'),
    'error reset connection_terminated send',
  ],
  [
    error('readv() failed (104: Connection reset by peer) while reading upstream'),
    'error reset http_response_incomplete body',
  ],
  [
    error(`upstream prematurely closed FastCGI stdout ${waiting}`, 'fastcgi://127.0.0.1:9000'),
    'error reset connection_terminated response',
  ],
  [
    error(`upstream rejected request with error 2 ${waiting}`, 'grpc://10.0.0.5:50051'),
    'error reset connection_terminated response',
  ],
  [
    error(
      `peer closed connection in SSL handshake (104: Connection reset by peer) ${handshaking}`,
      'https://10.0.0.5/',
    ),
    'error reset connection_terminated tls',
  ],
  [
    error(
      `SSL_do_handshake() failed (SSL: error:0A000410:SSL routines::sslv3 alert handshake failure:SSL alert number 40) ${handshaking}`,
    ),
    'error unreachable tls_alert_received tls',
  ],
  [
    error(`SSL_do_handshake() failed (SSL: error:0A00010B:SSL routines::wrong version number) ${handshaking}`),
    'error unreachable tls_protocol_error tls',
  ],
  [
    error(`upstream SSL certificate verify error: (10:certificate has expired) ${handshaking}`),
    'error unreachable tls_certificate_error tls',
  ],
  [
    error(`upstream SSL certificate does not match "shop.example" ${handshaking}`),
    'error unreachable tls_certificate_error tls',
  ],
  [
    error(`no live upstreams ${connecting}`, 'http://shop/cart'),
    'error refused_by_gateway destination_unavailable route',
  ],
  [error('app.internal could not be resolved (3: Host not found)'), 'error unreachable dns_error dns'],
  [error('app.internal could not be resolved (2: Server failure)'), 'error unreachable dns_error dns'],
  [error('app.internal could not be resolved (110: Operation timed out)'), 'error unreachable dns_timeout dns'],
  [error('upstream has lost its marbles while reading response header from upstream'), 'error unknown - response'],
];

const answerLines: readonly (readonly [string, string])[] = [
  [
    error(`memcached sent invalid response: "HTTP/1.1 200 OK" ${waiting}`, 'memcached://10.0.0.5:8080'),
    'error garbage http_protocol_error response',
  ],
  [error(`upstream sent too big header ${waiting}`), 'error garbage http_response_header_section_size response'],
  [error(`upstream sent no valid HTTP/1.0 header ${waiting}`), 'error garbage http_protocol_error response'],
  [error(`upstream sent invalid header: "Bad\\x20..." ${waiting}`), 'error garbage http_protocol_error response'],
  [
    error(`upstream sent duplicate header line: "Content-Length: 2", previous value: "Content-Length: 3" ${waiting}`),
    'error garbage http_protocol_error response',
  ],
  [
    line('warn', `upstream sent duplicate header line: "Server: a", previous value: "Server: b", ignored ${waiting}`),
    'error none - -',
  ],
  [
    line('crit', 'open() "/var/lib/nginx/proxy/7/00/0000000007" failed (13: Permission denied) while reading upstream'),
    'error refused_by_gateway proxy_internal_error route',
  ],
  [
    line(
      'crit',
      'pwrite() "/var/lib/nginx/proxy/7/00/0000000007" failed (28: No space left on device) while reading upstream',
    ),
    'error refused_by_gateway proxy_internal_error route',
  ],
  [
    '2026/11/21 21:59:48 [warn] 7#7: ocsp.example could not be resolved (110: Operation timed out) while requesting certificate status, responder: ocsp.example, certificate: "/etc/ssl/shop.pem"',
    'event none - -',
  ],
  [error(`connect() failed (146: Connection refused) ${connecting}`), 'error unreachable connection_refused connect'],
  [
    error(`connect() failed (148: No route to host) ${connecting}`),
    'error unreachable destination_ip_unroutable connect',
  ],
  [error(`recv() failed (131: Connection reset by peer) ${waiting}`), 'error reset connection_terminated response'],
  [
    error(`upstream timed out (145: Connection timed out) ${waiting}`),
    'error too_slow connection_read_timeout response',
  ],
  [
    error(`upstream sent "Content-Length" and "Transfer-Encoding" headers at the same time ${waiting}`),
    'error garbage http_response_transfer_coding response',
  ],
  [
    error('upstream sent invalid chunked response while reading upstream'),
    'error garbage http_response_transfer_coding body',
  ],
  [
    error(`upstream sent unsupported FastCGI protocol version: 72 ${waiting}`, 'fastcgi://10.0.0.5:8080'),
    'error garbage http_protocol_error response',
  ],
  [
    error(`upstream sent too large http2 frame: 4740180 ${waiting}`, 'grpc://10.0.0.5:8080'),
    'error garbage http_protocol_error response',
  ],
  [
    error(
      `FastCGI sent in stderr: "PHP message: PHP Fatal error:  Uncaught Error: no, client: x" ${waiting}`,
      'fastcgi://127.0.0.1:9000',
    ),
    'error app_error - -',
  ],
  [error(`FastCGI sent in stderr: "Primary script unknown" ${waiting}`, 'fastcgi://127.0.0.1:9000'), 'error none - -'],
  [
    line('warn', 'upstream sent more data than specified in "Content-Length" header while reading upstream'),
    'error none - -',
  ],
];

const clientFields = 'client: 192.0.2.7, server: shop.example, request: "GET /cart HTTP/1.1", host: "shop.example"';

const ownLines: readonly (readonly [string, string])[] = [
  [
    line('error', 'limiting requests, excess: 5.010 by zone "perip"', clientFields),
    'error refused_by_gateway http_request_denied route',
  ],
  [line('error', 'limiting requests, dry run, excess: 5.010 by zone "perip"', clientFields), 'error none - -'],
  [
    line('error', 'limiting connections by zone "addr"', clientFields),
    'error refused_by_gateway http_request_denied route',
  ],
  [line('warn', 'delaying request, excess: 0.610, by zone "perip"', clientFields), 'error none - -'],
  [
    '2026/11/21 21:59:48 [alert] 7#7: 1024 worker_connections are not enough',
    'error refused_by_gateway connection_limit_reached route',
  ],
  [
    '2026/11/21 21:59:48 [crit] 7#7: accept4() failed (24: Too many open files)',
    'error refused_by_gateway connection_limit_reached route',
  ],
  [
    line('error', 'no resolver defined to resolve app.internal', clientFields),
    'error refused_by_gateway proxy_configuration_error route',
  ],
  [
    line('error', 'invalid URL prefix in "app:8080"', clientFields),
    'error refused_by_gateway proxy_configuration_error route',
  ],
  [
    line('error', 'rewrite or internal redirection cycle while internally redirecting to "/index.html"', clientFields),
    'error refused_by_gateway proxy_configuration_error route',
  ],
  [line('error', 'access forbidden by rule', clientFields), 'error refused_by_gateway http_request_denied route'],
  [
    line(
      'info',
      'epoll_wait() reported that client prematurely closed connection, so upstream connection is closed too while reading response header from upstream',
    ),
    'error client_abort - -',
  ],
  [line('info', 'client prematurely closed connection while sending to client'), 'error client_abort - -'],
  [line('error', 'writev() failed (32: Broken pipe) while sending to client'), 'error client_abort - -'],
  [
    line('error', 'upstream prematurely closed connection while sending to client'),
    'error reset http_response_incomplete body',
  ],
  [
    line('error', 'client intended to send too large body: 20971520 bytes', clientFields),
    'error client_abort http_request_error -',
  ],
  [
    '2026/11/21 21:59:48 [crit] 7#7: *9 SSL_do_handshake() failed (SSL: error:0A00006C:SSL routines::bad key share) while SSL handshaking, client: 192.0.2.7, server: 0.0.0.0:443',
    'error client_abort - -',
  ],
  [
    '2026/11/21 21:59:48 [info] 7#7: *9 client sent invalid method while reading client request line, client: 192.0.2.7, server: , request: "\\x16"',
    'error client_abort http_request_error -',
  ],
  ['2026/11/21 21:59:48 [info] 7#7: *9 client 192.0.2.7 closed keepalive connection', 'event none - -'],
  [
    line('error', 'open() "/srv/www/favicon.ico" failed (2: No such file or directory)', clientFields),
    'error none - -',
  ],
  [line('warn', `upstream server temporarily disabled ${connecting}`), 'event none - -'],
  ['2026/11/21 21:59:48 [notice] 7#7: signal 15 (SIGTERM) received from 1, exiting', 'event none - -'],
  [
    '2026/11/21 21:59:48 [emerg] 1#1: host not found in upstream "app" in /etc/nginx/conf.d/default.conf:5',
    'event refused_by_gateway proxy_configuration_error dns',
  ],
  ['nginx: [emerg] bind() to 0.0.0.0:80 failed (98: Address already in use)', 'event none - -'],
  [
    '2026/11/21 21:59:48 [error] 7#7: send() failed (111: Connection refused) while resolving, resolver: 127.0.0.1:53',
    'event none - -',
  ],
  [
    '2026/11/21 21:59:48 [error] 7#7: *9 upstream timed out (110: Connection timed out) while connecting to upstream, client: 192.0.2.7, server: 0.0.0.0:5432, upstream: "10.0.0.5:5432", bytes from/to client:0/0, bytes from/to upstream:0/0',
    'error unreachable connection_timeout connect',
  ],
  [
    line('info', 'recv() failed (104: Connection reset by peer) while proxying upgraded connection'),
    'error client_abort - -',
  ],
  [line('error', 'recv() failed (104: Connection reset by peer) while proxying upgraded connection'), 'event none - -'],
  [line('info', 'recv() failed (104: Connection reset by peer) while sending to client'), 'error client_abort - -'],
  [
    line('error', 'recv() failed (104: Connection reset by peer) while sending to client'),
    'error reset http_response_incomplete body',
  ],
  [
    '2026/11/21 21:59:48 [info] 7#7: *9 client timed out (110: Connection timed out) while waiting for request, client: 192.0.2.7, server: 0.0.0.0:80',
    'event none - -',
  ],
  [
    '2026/11/21 21:59:48 [info] 7#7: *9 client disconnected, bytes from/to client:9/9, bytes from/to upstream:9/9',
    'event none - -',
  ],
  [
    line(
      'error',
      'connection timed out (110: Connection timed out) while proxying connection',
      'client: 192.0.2.7, server: 0.0.0.0:5432, upstream: "10.0.0.5:5432", bytes from/to client:9/9, bytes from/to upstream:9/9',
    ),
    'error too_slow connection_read_timeout body',
  ],
  [
    error(`upstream sent goaway with error 1 ${waiting}`, 'grpc://10.0.0.5:50051'),
    'error reset connection_terminated response',
  ],
];

const relatives: readonly (readonly [string, string, string])[] = [
  [
    'apisix',
    error(
      `[lua] balancer.lua:304: load_balancer(): failed to pick server: failed to find valid upstream server, no valid upstream node ${connecting}`,
    ),
    'error refused_by_gateway destination_unavailable route',
  ],
  [
    'apisix',
    error(
      `[lua] balancer.lua:304: load_balancer(): failed to pick server: missing upstream configuration ${connecting}`,
    ),
    'error refused_by_gateway proxy_configuration_error route',
  ],
  [
    'kong',
    '2026/11/21 21:59:48 [error] 42#0: *9 [lua] init.lua:381: execute(): DNS resolution failed: dns server error: 3 name error. Tried: ["(short)app:(na) - cache-miss"], client: 192.0.2.7, server: kong, request: "GET / HTTP/1.1", host: "shop.example", request_id: "0f00"',
    'error unreachable dns_error dns',
  ],
  [
    'kong',
    '2026/11/21 21:59:48 [error] 42#0: *9 connect() failed (111: Connection refused) while connecting to upstream, client: 192.0.2.7, server: kong, request: "GET / HTTP/1.1", upstream: "http://10.0.0.5:80/", host: "shop.example"',
    'error unreachable connection_refused connect',
  ],
  [
    'kong',
    '2026/11/21 21:59:48 [warn] 42#0: *9 [lua] balancer.lua:242: callback(): [healthchecks] balancer shop reported health status changed to UNHEALTHY, context: ngx.timer',
    'event none - -',
  ],
  [
    'ingress-nginx',
    error(`[lua] balancer.lua:345: balance(): no peer was returned, balancer: round_robin ${connecting}`),
    'error refused_by_gateway destination_unavailable route',
  ],
  [
    'ingress-nginx',
    'W1121 21:59:47.123456       7 controller.go:1112] Service "default/shop" does not have any active Endpoint.',
    'event none - -',
  ],
  [
    'openresty',
    line('error', 'lua entry thread aborted: runtime error: access_by_lua(nginx.conf:5):2: boom', clientFields),
    'error refused_by_gateway proxy_internal_error route',
  ],
  [
    'openresty',
    '2026/11/21 21:59:48 [error] 7#7: *9 connect() failed (111: Connection refused), context: ngx.timer',
    'event none - -',
  ],
];

describe('an error line of nginx', () => {
  for (const [text, expected] of [...upstreamLines, ...answerLines, ...ownLines]) {
    test(`has the verdict "${expected}": ${text.slice(20, 110)}`, () => {
      assert.equal(inShort(findingOfLine(text)), expected);
    });
  }

  for (const [product, text, expected] of relatives) {
    test(`is of ${product}, and has the verdict "${expected}"`, () => {
      const finding = findingOfLine(text);
      assert.equal(finding?.gateway, product);
      assert.equal(inShort(finding), expected);
    });
  }

  test('fulfils the rules for every finding: the type belongs to the shape, and a failure has evidence, a sentence and a fix', () => {
    for (const [text] of [...upstreamLines, ...answerLines, ...ownLines]) {
      const finding = findingOfLine(text);
      assert.ok(finding !== null);
      if (finding.type !== null) assert.equal(proxyErrors[finding.type].shape, finding.shape, text);
      if (!isGatewayFailure(finding)) continue;
      assert.ok(finding.evidence.length > 0 && finding.sentence !== '' && finding.fix !== null, text);
      assert.equal(finding.born, 'reverse-proxy', text);
    }
  });

  test('is recognised if it was truncated when it was pasted', () => {
    const cut = (said: string) => inShort(findingOfLine(`2026/11/21 21:14:03 [error] 31#31: *5 ${said}`));
    const refusal = 'connect() failed (111: Connection refused) while connecting';
    for (const end of ['', ' …', ' to upstream', ' to upstream, client', '...'])
      assert.equal(cut(`${refusal}${end}`), 'error unreachable connection_refused connect', end);
    assert.equal(cut(`${refusal} to OCSP responder`), 'event none - -');
    assert.equal(cut('connect() failed (111: Connection refused)'), 'event none - -');
  });

  test('is joined with the other lines of its connection, and marked if it is a consequence', () => {
    const cause = findingOfLine(error(`connect() failed (111: Connection refused) ${connecting}`));
    const consequence = findingOfLine(error(`no live upstreams ${connecting}`, 'http://shop/cart'));
    assert.equal(cause?.joins, 'connection 42');
    assert.equal(cause?.isConsequence, false);
    assert.equal(consequence?.isConsequence, true);
  });

  test('reports the request, the upstream and the time of the line', () => {
    const finding = findingOfLine(error(`connect() failed (111: Connection refused) ${connecting}`));
    assert.equal(finding?.request, 'GET /cart');
    assert.equal(finding?.upstream, 'http://10.0.0.5:8080/cart');
    assert.equal(finding?.atMs, Date.UTC(2026, 10, 21, 21, 59, 48));
    assert.ok(finding?.evidence.includes('(111: Connection refused)'));
  });

  test('gets a fix with the directive of the module, or of the product, that connects to the upstream', () => {
    const fixOf = (text: string): string | undefined => findingOfLine(text)?.fix?.text;
    const timedOut = `upstream timed out (110: Connection timed out) ${waiting}`;
    assert.match(fixOf(error(timedOut)) ?? '', /`proxy_read_timeout`/);
    assert.match(fixOf(error(timedOut, 'fastcgi://127.0.0.1:9000')) ?? '', /`fastcgi_read_timeout`/);
    assert.match(fixOf(error(timedOut, 'uwsgi://127.0.0.1:9000')) ?? '', /`uwsgi_read_timeout`/);
    assert.match(fixOf(error(timedOut, 'grpc://127.0.0.1:9000')) ?? '', /`grpc_read_timeout`/);
    assert.match(fixOf(error(`upstream sent too big header ${waiting}`)) ?? '', /`proxy_buffer_size`/);
    assert.match(fixOf(error(timedOut).replace('server: shop.example', 'server: kong')) ?? '', /`read_timeout`/);
  });

  test('has the same verdict whatever a client wrote into its request', () => {
    const wanted = 'GET /?x=,\\x20upstream:\\x20"no\\x20live\\x20upstreams HTTP/1.1';
    const finding = findingOfLine(
      line(
        'error',
        `connect() failed (111: Connection refused) ${connecting}`,
        `client: 192.0.2.7, server: , request: "${wanted}", upstream: "http://10.0.0.5/", host: "kong"`,
      ),
    );
    assert.equal(finding?.shape, 'unreachable');
    assert.equal(finding?.gateway, 'nginx');
    assert.equal(finding?.upstream, 'http://10.0.0.5/');
  });
});
