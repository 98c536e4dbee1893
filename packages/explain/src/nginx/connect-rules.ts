import type { NginxErrorLine } from './error-line.ts';
import { type FixContext, checkAddress, fix, raiseTimeout } from './fixes.ts';
import { type NginxVerdict, failed } from './verdict.ts';

/** The meaning of a system error number for a connection. The text beside it depends on the C library; the number does not. */
type ErrnoSense =
  | 'refused'
  | 'timed_out'
  | 'unroutable'
  | 'reset'
  | 'missing'
  | 'forbidden'
  | 'backlog_full'
  | 'ports_spent'
  | 'descriptors_spent';

/**
 * Linux, then macOS and FreeBSD, illumos and Solaris, and Windows. No number means different things for a connection on
 * two of them.
 */
const numbers: Readonly<Record<ErrnoSense, readonly number[]>> = {
  refused: [111, 61, 146, 10_061],
  timed_out: [110, 60, 145, 10_060],
  unroutable: [113, 101, 112, 100, 97, 65, 51, 64, 50, 47, 148, 128, 147, 127, 10_065, 10_051],
  reset: [104, 32, 103, 107, 54, 53, 57, 131, 130, 134, 10_054, 10_053],
  missing: [2],
  forbidden: [13, 1, 10_013],
  backlog_full: [11, 35],
  ports_spent: [99, 49, 126, 10_049, 10_048],
  descriptors_spent: [24, 23],
};

const senses: ReadonlyMap<number, ErrnoSense> = new Map(
  Object.entries(numbers).flatMap(([sense, all]) => all.map((number) => [number, sense as ErrnoSense] as const)),
);

export function errnoSense(number: number): ErrnoSense | null {
  return senses.get(number) ?? null;
}

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
        ? 'The socket file exists, but nothing listens on it: the application is not running.'
        : 'Nothing listens at that address and port: the application is not running, or listens elsewhere.',
      fix: checkAddress(
        'Start the application, and have it listen on the address that the gateway uses (0.0.0.0 in a container, not 127.0.0.1)',
        one.context,
      ),
    }),
  missing: (one) =>
    unreachable(one, {
      type: 'connection_refused',
      whose: 'application',
      sentence: 'The socket file does not exist: the application is not running, or uses another path.',
      fix: checkAddress('Start the application, and configure the same socket path for both', one.context),
    }),
  forbidden: (one) =>
    unreachable(one, {
      type: 'connection_refused',
      whose: 'operator',
      sentence: isUnixSocket(one.line)
        ? 'The permissions of the socket file do not allow the gateway to open it.'
        : 'The system does not allow the gateway to connect: a security policy or a packet filter forbids it.',
      fix: isUnixSocket(one.line)
        ? fix(
            'Allow the user that nginx runs as to read and write the socket',
            'listen.owner = nginx\nlisten.group = nginx\nlisten.mode = 0660',
          )
        : fix(
            'Allow nginx to connect to the network (SELinux, packet filter)',
            'setsebool -P httpd_can_network_connect 1',
          ),
    }),
  backlog_full: (one) =>
    unreachable(one, {
      type: 'connection_refused',
      whose: 'application',
      sentence: "The application's queue of waiting connections is full: it has too few workers for its load.",
      fix: fix(
        'Give the application more workers, and a longer queue in its `listen.backlog` together with `net.core.somaxconn`',
        'pm.max_children = 50\nlisten.backlog = 1024',
      ),
    }),
  timed_out: (one) =>
    unreachable(one, {
      type: 'connection_timeout',
      whose: 'network',
      sentence: 'The connection attempt got no answer: the address is wrong, or a packet filter drops it.',
      fix: checkAddress(
        'Allow connections from the gateway to that address in firewalls and security groups',
        one.context,
      ),
    }),
  unroutable: (one) =>
    unreachable(one, {
      type: 'destination_ip_unroutable',
      whose: 'network',
      sentence: 'There is no route to that address: the host is down, or the network has no route.',
      fix: checkAddress('Check that the host is up, and that the gateway has a route to it', one.context),
    }),
  reset: (one) =>
    failed({
      shape: 'reset',
      type: 'connection_terminated',
      stage: 'connect',
      whose: 'network',
      evidence: one.evidence,
      sentence: 'The connection was reset before it was open.',
      fix: checkAddress('Find out what closes connections between the gateway and the application', one.context),
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
      "The gateway has reached the system's limit of open files and connections.",
      fix('Raise `worker_rlimit_nofile` above twice `worker_connections`', 'worker_rlimit_nofile 65536;'),
    ),
  other: (one) =>
    unreachable(one, {
      type: null,
      whose: null,
      sentence: 'The gateway could not connect.',
      fix: checkAddress("Read the system's error in parentheses", one.context),
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
          ? 'The connection was open, but the TLS handshake did not end in time.'
          : 'The connection attempt got no answer: the host is down, a packet filter drops it, or the application does not accept connections in time.',
      fix:
        stage === 'tls'
          ? raiseTimeout('connect', context)
          : checkAddress(
              'Allow connections from the gateway to that address in firewalls and security groups',
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
      sentence: "The application stopped reading the request, until the gateway's timeout.",
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
        ? "The application had begun its response, and then sent nothing until the gateway's timeout: the client got an incomplete response."
        : "The application got the request, but did not begin its response before the gateway's timeout.",
    fix: raiseTimeout('read', context),
  });
}
