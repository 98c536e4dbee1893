import type { NginxErrorLine } from './error-line.ts';
import type { ErrnoSense } from './errno.ts';
import { errnoSense } from './errno.ts';
import type { FixContext } from './fixes.ts';
import { checkAddress, fix, raiseTimeout } from './fixes.ts';
import type { NginxVerdict } from './verdict.ts';
import { failed } from './verdict.ts';

const isUnixSocket = (line: NginxErrorLine): boolean =>
  line.text.includes('unix:') || line.upstream?.includes('unix:') === true;

/** The words of the line that decided. */
export const lineEvidence = (line: NginxErrorLine): readonly string[] =>
  line.action === null ? [line.text.slice(0, 200)] : [line.text.slice(0, 200), `while ${line.action}`];

/** `connect() failed (111: …)`: only the number gives the reason. */
export function judgeConnect(line: NginxErrorLine, context: FixContext): NginxVerdict {
  const sense = line.errno === null ? null : errnoSense(line.errno);
  return bySense[sense ?? 'other']({
    line,
    context,
    evidence: line.errnoText === null ? lineEvidence(line) : [line.errnoText, ...lineEvidence(line)],
  });
}

interface Case {
  readonly line: NginxErrorLine;
  readonly context: FixContext;
  readonly evidence: readonly string[];
}

const unreachable = (
  { evidence }: Case,
  rest: Pick<NginxVerdict, 'type' | 'whose' | 'sentence' | 'fix'>,
): NginxVerdict => failed({ shape: 'unreachable', stage: 'connect', evidence, ...rest });

const spent = ({ evidence }: Case, sentence: string, how: NginxVerdict['fix']): NginxVerdict =>
  failed({
    shape: 'refused_by_gateway',
    type: 'connection_limit_reached',
    stage: 'connect',
    whose: 'operator',
    evidence,
    sentence,
    fix: how,
  });

const bySense: Readonly<Record<ErrnoSense | 'other', (one: Case) => NginxVerdict>> = {
  refused: (one) =>
    unreachable(one, {
      type: 'connection_refused',
      whose: 'application',
      sentence: isUnixSocket(one.line)
        ? 'The socket file is there, but nothing listens on it: the application is not running.'
        : 'Nothing listens at that address and port: the application is not running, or listens elsewhere.',
      fix: checkAddress(
        'Start the application, and have it listen where the gateway looks (0.0.0.0 in a container, not 127.0.0.1)',
        one.context,
      ),
    }),
  missing: (one) =>
    unreachable(one, {
      type: 'connection_refused',
      whose: 'application',
      sentence: 'The socket file is not there: the application is not running, or puts it elsewhere.',
      fix: checkAddress('Start the application, and give both the same path of the socket', one.context),
    }),
  forbidden: (one) =>
    unreachable(one, {
      type: 'connection_refused',
      whose: 'operator',
      sentence: isUnixSocket(one.line)
        ? 'The gateway may not open the socket file: its permissions do not let it.'
        : 'The system does not let the gateway connect there: a security policy or a packet filter forbids it.',
      fix: isUnixSocket(one.line)
        ? fix(
            'Let the user that nginx runs as read and write the socket',
            'listen.owner = nginx\nlisten.group = nginx\nlisten.mode = 0660',
          )
        : fix(
            'Allow nginx to connect to the network (SELinux), or the packet filter to let it',
            'setsebool -P httpd_can_network_connect 1',
          ),
    }),
  backlog_full: (one) =>
    unreachable(one, {
      type: 'connection_refused',
      whose: 'application',
      sentence: 'The queue of connections that wait for the application is full: it has too few workers for its load.',
      fix: fix(
        'Give the application more workers, and a longer queue in its `listen.backlog` together with `net.core.somaxconn`',
        'pm.max_children = 50\nlisten.backlog = 1024',
      ),
    }),
  timed_out: (one) =>
    unreachable(one, {
      type: 'connection_timeout',
      whose: 'network',
      sentence: 'No answer came to the attempt to connect: the address is wrong, or a packet filter drops it.',
      fix: checkAddress(
        'Open the way from the gateway to that address (a firewall or security group drops what it does not allow)',
        one.context,
      ),
    }),
  unroutable: (one) =>
    unreachable(one, {
      type: 'destination_ip_unroutable',
      whose: 'network',
      sentence: 'No way leads to that address: the host is down, or the network has no route to it.',
      fix: checkAddress('See that the host is up, and that the gateway has a route to it', one.context),
    }),
  reset: (one) =>
    failed({
      shape: 'reset',
      type: 'connection_terminated',
      stage: 'connect',
      whose: 'network',
      evidence: one.evidence,
      sentence: 'The connection was reset while it was being opened.',
      fix: checkAddress('Look for what closes connections between the gateway and the application', one.context),
    }),
  ports_spent: (one) =>
    spent(
      one,
      'The gateway has no local port left for another connection to that address.',
      fix(
        'Keep connections open with `keepalive` in the `upstream` block, and widen the range of local ports',
        'upstream NAME { server HOST:PORT; keepalive 64; }\nsysctl -w net.ipv4.ip_local_port_range="1024 65535"',
      ),
    ),
  descriptors_spent: (one) =>
    spent(
      one,
      'The gateway has as many files and connections open as the system lets it.',
      fix('Raise `worker_rlimit_nofile` above twice `worker_connections`', 'worker_rlimit_nofile 65536;'),
    ),
  other: (one) =>
    unreachable(one, {
      type: null,
      whose: null,
      sentence: 'The gateway could not connect.',
      fix: checkAddress('Look at what the system says in parentheses', one.context),
    }),
};

/** `upstream timed out (110: …)`: the step that nginx waited for shows which timeout ran out. */
export function judgeTimeout(line: NginxErrorLine, context: FixContext, stage: NginxVerdict['stage']): NginxVerdict {
  const evidence = lineEvidence(line);
  if (stage === 'connect' || stage === 'tls') {
    return failed({
      shape: 'unreachable',
      type: 'connection_timeout',
      stage,
      whose: 'network',
      evidence,
      sentence:
        stage === 'tls'
          ? 'The connection was opened, but the TLS handshake did not end in time.'
          : 'No answer came to the attempt to connect: the host is down or a packet filter drops it, or the application does not accept in time.',
      fix:
        stage === 'tls'
          ? raiseTimeout('connect', context)
          : checkAddress(
              'Open the way from the gateway to that address (a firewall or security group drops what it does not allow)',
              context,
            ),
    });
  }
  if (stage === 'send') {
    return failed({
      shape: 'too_slow',
      type: 'connection_write_timeout',
      stage,
      whose: 'application',
      evidence,
      sentence: 'The application took no more of the request for as long as the gateway waits.',
      fix: raiseTimeout('send', context),
    });
  }
  return failed({
    shape: 'too_slow',
    type: 'connection_read_timeout',
    stage,
    whose: 'application',
    evidence,
    sentence:
      stage === 'body'
        ? 'The application had begun to answer, and then sent nothing for as long as the gateway waits: what the client has is not whole.'
        : 'The application was asked, and did not begin to answer for as long as the gateway waits.',
    fix: raiseTimeout('read', context),
  });
}
