import type { Dialect } from '../dialect.ts';
import { messageDialect, type MessageLog } from './message-log.ts';

/** `httputil.ReverseProxy` of Go, with which oauth2-proxy and many small gateways are built. */
const goProxy: MessageLog = {
  gateway: 'go-proxy',
  name: 'the proxy',
  born: 'reverse-proxy',
  format: 'log of a reverse proxy in Go',
  head: /^(?:(?<time>\d{4}[/-]\d\d[/-]\d\d[ T]\d\d:\d\d:\d\d\S{0,10}) |\[[^\]]{1,40}\] )?(?:\[[\w./:-]{1,60}\] )?(?=http: proxy error: |httputil: ReverseProxy |(?:vulcand\/)?oxy\/forward\S{0,20} Error forwarding)/,
  messages: [
    [/^http: proxy error: .{1,4000}|read error during body copy: .{1,4000}|Error forwarding to .{1,4000}/, 'go'],
  ],
};

/** lighttpd's mod_proxy, mod_fastcgi and mod_scgi share these messages (gw_backend.c). */
const lighttpd: MessageLog = {
  gateway: 'lighttpd',
  name: 'lighttpd',
  born: 'reverse-proxy',
  format: 'lighttpd error log',
  head: /^(?:(?<time>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d): )?\((?:gw_backend|mod_\w{2,30}|server|connections|response|network|http-header-glue)\.c\.\d{1,5}\) /,
  messages: [
    [
      /establishing connection failed: .{0,40}socket: (?<upstream>\S{1,200}?): (?:Connection refused|No such file or directory)/,
      'connection_refused',
    ],
    [/establishing connection failed: (?:Connection refused|No such file)/, 'connection_refused'],
    [/establishing connection failed.{0,300}(?:No route to host|unreachable)/, 'destination_ip_unroutable'],
    [/establishing connection failed.{0,300}timed out|connect timeout/i, 'connection_timeout'],
    [/establishing connection failed/, 'unreachable'],
    [/response not received, request sent: .{0,400}|unexpected end-of-file .{0,200}/, 'connection_terminated'],
    [/(?:read|write) timeout on socket/, 'connection_read_timeout'],
    [/all handlers for \S{1,300} (?:on \S{1,60} )?are down/, 'destination_unavailable'],
    [/backend is overloaded; we'll disable it/, 'connection_limit_reached'],
  ],
};

/** Linkerd's proxy, in its plain format. */
const linkerd: MessageLog = {
  gateway: 'linkerd',
  name: 'Linkerd',
  born: 'reverse-proxy',
  format: 'Linkerd proxy log',
  head: /^\[ {0,6}[\d.]{1,14}s\] {1,4}(?:ERROR|WARN|INFO|DEBUG) ThreadId\(\d{1,6}\) (?=.{0,300}linkerd)/,
  messages: [
    [/Failed to connect .{0,200}|Connection refused \(os error 111\)/, 'connection_refused'],
    [/fail-fast|[Ss]ervice unavailable/, 'destination_unavailable'],
    [/connect timed out|connection timed out/i, 'connection_timeout'],
    [/connection closed before message completed|Connection reset by peer/, 'connection_terminated'],
    [/(?:request|response) timed out|response-headers timeout|deadline/, 'http_response_timeout'],
  ],
};

export const messageDialects: readonly Dialect[] = [goProxy, lighttpd, linkerd].map(messageDialect);
