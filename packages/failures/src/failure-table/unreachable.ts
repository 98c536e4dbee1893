import { fullFastCgiSocket } from './fastcgi.ts';
import type { FailureTable } from '../failure-spec.ts';
import { dnsCodes } from '../dns-codes.ts';
import { duration, quoted } from './formatting.ts';

/** No usable connection to the endpoint: its name could not be resolved, or its port could not be reached. */
export const unreachable = {
  dns_not_found: {
    type: 'dns_error',
    status: 502,
    whose: 'operator',
    retry: 'elsewhere',
    countsAgainstHealth: true,
    logLevel: 'error',
    temporary: false,
    title: "The application's host name does not exist",
    sentence: ({ name, rcode }) =>
      rcode === 'NODATA'
        ? `The name ${quoted(name)} exists but has no address of a family that the gateway may use (NODATA).`
        : `The name ${quoted(name)} has no address: the name server answered ${rcode}.`,
    forClient: 'This site is set up to use a server that cannot be found. Its operators must correct that.',
    usualCauses: [
      'the host name in the configuration has a typing error, or lacks its domain',
      'the container or service has been renamed or removed',
      'the gateway runs on another container network, where the name is not known',
      'the name is an alias (CNAME) of itself, or of a name that has no address (NODATA)',
    ],
    nextStep:
      'Look the name up where the gateway runs, with `getent hosts NAME`, and compare it with the endpoint in the configuration.',
  },
  dns_failed: {
    type: 'dns_error',
    status: 502,
    whose: 'network',
    retry: 'elsewhere',
    countsAgainstHealth: true,
    logLevel: 'error',
    temporary: true,
    title: "The application's host name could not be looked up",
    sentence: ({ name, code }) => `The lookup of ${quoted(name)} failed: ${dnsCodes[code]?.reason ?? code}.`,
    forClient:
      'One of the systems that this site relies on to find its servers is in trouble. It often recovers within minutes, so try again then.',
    usualCauses: [
      'the name server cannot reach the servers of the zone (SERVFAIL)',
      'the name server refuses to answer this machine (REFUSED)',
      'DNSSEC validation fails after a change of keys in the zone',
      'nothing listens at the address of the name server (then there is no RCODE)',
    ],
    nextStep:
      'Run `resolvectl query NAME` (or `dig NAME`) where the gateway runs, and repeat it against another name server.',
  },
  dns_timeout: {
    type: 'dns_timeout',
    status: 504,
    whose: 'network',
    retry: 'elsewhere',
    countsAgainstHealth: true,
    logLevel: 'error',
    temporary: true,
    title: "Looking up the application's host name took too long",
    sentence: ({ name, limitMs }) => `No name server answered for ${quoted(name)} ${until(limitMs)}.`,
    forClient: 'Finding the server behind this site took too long. Please try again in a minute.',
    usualCauses: [
      'the first name server in /etc/resolv.conf is down, and each lookup waits for it',
      'a firewall drops UDP or TCP port 53',
      'search domains in /etc/resolv.conf turn one lookup into several',
    ],
    nextStep:
      'Ask each `nameserver` of /etc/resolv.conf in turn with `dig @SERVER NAME`; the limit is `timeouts.dns` in the configuration.',
  },
  connect_refused: {
    type: 'connection_refused',
    status: 502,
    whose: 'application',
    retry: 'elsewhere',
    countsAgainstHealth: true,
    logLevel: 'error',
    temporary: true,
    title: 'The application refused the connection',
    sentence: ({ address, agoMs, isFull }) =>
      isFull === true
        ? `${address} takes no more connections: the queue of its socket is full.`
        : agoMs === undefined
          ? `The connection to ${address} was refused: nothing listens there.`
          : `${address} refused a connection ${duration(agoMs)} before this request, so the gateway did not try it again.`,
    forClient: 'The application behind this site is not running at the moment. It may be restarting.',
    usualCauses: [
      'the application has crashed, or a deploy stopped it before its successor was ready',
      'the application does not listen on the port that the configuration names',
      'the application binds 127.0.0.1 inside its container, which cannot be reached from outside',
      'the application has not finished starting',
    ],
    nextStep:
      'Run `ss -ltnp` where the application runs and see which address and port it listens on; then read its log with `journalctl -u NAME`.',
    inThisCase: ({ isFull }) => (isFull === true ? fullFastCgiSocket : null),
  },
  connect_timeout: {
    type: 'connection_timeout',
    status: 504,
    whose: 'network',
    retry: 'elsewhere',
    countsAgainstHealth: true,
    logLevel: 'error',
    temporary: true,
    title: 'Connecting to the application took too long',
    sentence: ({ address, limitMs }) => `${address} did not answer the attempt to connect ${until(limitMs)}.`,
    forClient: 'The server behind this site does not respond to us. Please try again in a few minutes.',
    usualCauses: [
      'a firewall or security group silently drops packets to that port',
      'the machine is down, or no longer exists',
      'the application no longer accepts connections and its listen queue is full',
    ],
    nextStep:
      'Run `nc -vz -w 5 HOST PORT` from the gateway; if it hangs, check the firewall on the way and `ss -ltn` at the endpoint (Recv-Q at Send-Q means a full queue).',
  },
  connect_unroutable: {
    type: 'destination_ip_unroutable',
    status: 502,
    whose: 'network',
    retry: 'elsewhere',
    countsAgainstHealth: true,
    logLevel: 'error',
    temporary: true,
    title: 'There is no route to the application',
    sentence: ({ address, errno }) => `No network path leads to ${address} (${errno}).`,
    forClient: 'The network between this site and its server is interrupted. Please try again later.',
    usualCauses: [
      'the endpoint is an IPv6 address and this machine has no IPv6 route',
      'the private network, VPN or tunnel to that subnet is down',
      'a firewall answers with "host unreachable" or "administratively prohibited"',
    ],
    nextStep: 'Run `ip route get ADDRESS` on the gateway and see whether a route exists and through which interface.',
  },
  connect_socket_missing: {
    type: 'connection_refused',
    status: 502,
    whose: 'application',
    retry: 'elsewhere',
    countsAgainstHealth: true,
    logLevel: 'error',
    temporary: true,
    title: "The application's socket does not exist",
    sentence: ({ path, agoMs }) =>
      agoMs === undefined
        ? `There is no socket at ${quoted(path)}.`
        : `There was no socket at ${quoted(path)} ${duration(agoMs)} before this request, so the gateway did not try it again.`,
    forClient: 'The application behind this site does not accept connections yet. It may be starting.',
    usualCauses: [
      'the application has not started, or removed its socket when it stopped',
      'the path in the configuration differs from the path in the settings of the application',
      "the socket is in a directory that is not mounted into the gateway's container, or hidden by PrivateTmp= of systemd",
    ],
    nextStep: 'Run `ss -lxp` and look for the path; then `ls -l` its directory as the user that the gateway runs as.',
  },
  connect_not_permitted: {
    type: 'connection_refused',
    status: 502,
    whose: 'operator',
    retry: 'elsewhere',
    countsAgainstHealth: true,
    logLevel: 'error',
    temporary: false,
    title: 'The gateway may not connect to the application',
    sentence: ({ address, errno }) => `The system does not permit a connection to ${address} (${errno}).`,
    forClient: 'This site is not allowed to reach its own application. Its operators must correct the permissions.',
    usualCauses: [
      "the socket file belongs to another user or group than the gateway's",
      'SELinux or AppArmor denies the connection',
      'a local firewall rule rejects outgoing connections of this user',
    ],
    nextStep:
      "For a socket, compare `namei -l PATH` with the gateway's user; otherwise look for denials with `journalctl -k -g denied` and in `nft list ruleset`.",
  },
  connect_reset: {
    type: 'connection_refused',
    status: 502,
    whose: 'network',
    retry: 'elsewhere',
    countsAgainstHealth: true,
    logLevel: 'error',
    temporary: true,
    title: 'The connection was reset while it was being opened',
    sentence: ({ address, errno }) => `The connection to ${address} was reset before it was open (${errno}).`,
    forClient: 'The server behind this site hung up before we could ask it anything. Please try again in a moment.',
    usualCauses: [
      'a load balancer or port forwarder before the application has nothing behind it',
      'the listen queue overflows and the kernel resets (net.ipv4.tcp_abort_on_overflow=1)',
      'a firewall ends the connection with a reset',
    ],
    nextStep:
      'Watch the handshake with `tcpdump -ni any host HOST and port PORT` and see which machine sends the RST; `nstat -az TcpExtListenOverflows` at the endpoint shows a full queue.',
  },
} satisfies Partial<FailureTable>;

/** If the gateway sets no limit (0), the limit of the operating system was reached. */
function until(limitMs: number): string {
  return limitMs === 0 ? 'before the system gave up waiting' : `within ${duration(limitMs)}`;
}
