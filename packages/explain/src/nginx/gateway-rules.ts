import { judgeChoice } from './choice-rules.ts';
import { errnoSense } from './errno.ts';
import type { NginxErrorLine } from './error-line.ts';
import type { FixContext } from './fixes.ts';
import { fix } from './fixes.ts';
import { refused } from './refused.ts';
import type { NginxVerdict } from './verdict.ts';
import { harmless } from './verdict.ts';

/** Lines about requests that the gateway itself denies or fails: limits, settings, Lua code. */
export function judgeGateway(line: NginxErrorLine, context: FixContext): NginxVerdict | null {
  return judgeLimits(line) ?? judgeSettings(line) ?? judgeCode(line, context);
}

function judgeLimits(line: NginxErrorLine): NginxVerdict | null {
  const { text } = line;
  if (/^delaying (?:request|connections?)|, dry run/.test(text)) return harmless('error');
  if (text.startsWith('limiting requests')) {
    return refused(
      line,
      'http_request_denied',
      'client',
      'The client sent more requests than `limit_req` allows.',
      fix(
        'Raise the rate or the burst of that zone if such clients should be served',
        'limit_req zone=NAME burst=20 nodelay;',
      ),
    );
  }
  if (text.startsWith('limiting connections')) {
    return refused(
      line,
      'http_request_denied',
      'client',
      'The client has more connections open than `limit_conn` allows.',
      fix('Raise the number if such clients should be served', 'limit_conn NAME 20;'),
    );
  }
  if (/^\d{1,10} worker_connections (?:are not enough|is not enough)/.test(text)) {
    return refused(
      line,
      'connection_limit_reached',
      'operator',
      'The worker has reached its limit of open connections, clients and applications together.',
      fix(
        'Raise `worker_connections`, and `worker_rlimit_nofile` with it',
        'worker_rlimit_nofile 16384;\nevents { worker_connections 8192; }',
      ),
    );
  }
  if (
    /^(?:accept4?|socket|open|eventfd|epoll_ctl)\(\) .{0,300}failed|^(?:accept4?|socket)\(\) failed/.test(text) &&
    line.errno !== null &&
    errnoSense(line.errno) === 'descriptors_spent'
  ) {
    return refused(
      line,
      'connection_limit_reached',
      'operator',
      "The gateway has reached the system's limit of open files and connections.",
      fix('Raise `worker_rlimit_nofile` above twice `worker_connections`', 'worker_rlimit_nofile 65536;'),
    );
  }
  if (line.upstream !== null && line.level === 'crit' && /^(?:open|mkdir|pwrite|pwritev|write)\(\) "/.test(text)) {
    return refused(
      line,
      'proxy_internal_error',
      'operator',
      'The gateway could not write a part of the response to its temporary files, and gave up.',
      fix(
        'Allow the workers to write to the directory of temporary files, and check that its disk has room; or disable temporary files',
        'proxy_max_temp_file_size 0;',
      ),
    );
  }
  return null;
}

const settings =
  /^no resolver defined to resolve |^no port in upstream |^no host in upstream |^invalid (?:URL prefix|port|host) in |^zero length URI|^no upstream configuration|^upstream "[^"]{0,200}" (?:may not|not found)|^no "ssl_certificate" is defined|^rewrite or internal redirection cycle|^could not find named location|^the (?:rewritten )?(?:length|URI).{0,40}(?:zero|invalid)/;

function judgeSettings(line: NginxErrorLine): NginxVerdict | null {
  const { text } = line;
  if (!settings.test(text) || line.client === null) return null;
  const isResolver = text.startsWith('no resolver');
  return refused(
    line,
    'proxy_configuration_error',
    'operator',
    isResolver
      ? 'The address of the application contains a variable, and no name server is configured to look it up.'
      : 'The gateway cannot apply its configuration for this request, so no server was contacted.',
    isResolver
      ? fix('Set `resolver` in that server or location', 'resolver 10.0.0.2 valid=10s;')
      : fix('Correct that setting: the line names it, and `nginx -T` shows where it is', 'nginx -T'),
  );
}

function judgeCode(line: NginxErrorLine, context: FixContext): NginxVerdict | null {
  const { text, whole } = line;
  if (
    text.startsWith('access forbidden by rule') ||
    /^\[client [^\]]{1,64}\] ModSecurity: Access denied|^ModSecurity: Access denied/.test(text)
  ) {
    return refused(
      line,
      'http_request_denied',
      'client',
      'A rule of the gateway denies this client.',
      fix('Change the rule if the client should be allowed', 'allow 192.0.2.0/24;'),
    );
  }
  if (text.startsWith('auth request unexpected status: ')) {
    return refused(
      line,
      null,
      'gateway',
      'The authorization subrequest (`auth_request`) failed.',
      fix('Find the failure of the subrequest in the lines before', null),
      true,
    );
  }
  const chosen = judgeChoice(line, context);
  if (chosen !== null) return chosen;
  if (
    /^lua (?:entry thread aborted|user thread aborted|coroutine)|^failed to (?:run|load) .{0,40}_by_lua|^lua handler aborted/.test(
      text,
    ) &&
    !whole.includes(', context: ')
  ) {
    return refused(
      line,
      'proxy_internal_error',
      'gateway',
      'Lua code in the gateway failed, so the gateway answered with an error.',
      fix('Fix or disable that plugin; the line names its file and line', null),
    );
  }
  return null;
}
