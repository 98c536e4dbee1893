/** Whether CAs can reach what shows their challenges. */
import type { ChallengeKind } from '../core/listener-spec.ts';
import { challengePortsOf, challengesOf } from './automatic-tls.ts';
import type { AutomaticTlsRead } from './automatic-tls-schema.ts';
import type { Draft } from './draft.ts';
import type { ErrorCollector } from './error-collector.ts';
import { orList, quoted } from '../schema/error-detail.ts';
import type { Path } from '../schema/findings.ts';

/** A CA asks these ports alone, whatever a listener is bound to (RFC 8555 §8.3, RFC 8737 §3). */
const askedPorts = { 'http-01': 80, 'tls-alpn-01': 443 } as const;

type PortChallenge = keyof typeof askedPorts;

/** A CA on this machine is there for tests, and looks at other ports. */
const testDirectory = /^https:\/\/(?:localhost|127\.[\d.]+|\[::1\])(?::|\/|$)/;

/** `at`: of the listener's `tls`. */
export function reviewChallenges(settings: AutomaticTlsRead, at: Path, draft: Draft, collector: ErrorCollector): void {
  const ports = challengePortsOf(draft);
  const kinds = challengesOf(settings, draft).filter((kind) => isPortChallenge(kind));
  const key: Path = [...at, 'auto', 'challenges'];
  if (settings.challenges?.includes('http-01') === true && ports['http-01'].length === 0)
    return collector.errorAtKey(
      key,
      '"http-01" is answered in clear text, and every listener speaks TLS',
      'add a listener such as http: ":80", or remove "http-01"',
    );
  if (kinds.length === 0 || testDirectory.test(settings.directory ?? '')) return;
  const isReachable = (kind: PortChallenge): boolean => ports[kind].includes(askedPorts[kind]);
  if (settings.challenges !== undefined) {
    for (const kind of kinds.filter((one) => !isReachable(one)))
      collector.warnAtKey(
        key,
        `for ${quoted(kind)} the CA connects to port ${askedPorts[kind]}, and ${listenText(kind, ports[kind])}`,
        `bind one to ":${askedPorts[kind]}", or forward port ${askedPorts[kind]} to it`,
      );
  } else if (!kinds.some(isReachable)) {
    const asked = kinds.map((kind) => askedPorts[kind]);
    collector.warnAtKey(
      at,
      `the CA connects to port ${orList(asked.map(String))}, and no listener is bound to ${asked.length > 1 ? 'either' : 'it'}`,
      `"bind" a listener to ":${asked.at(-1)}"${asked.length > 1 ? ' or, in clear text, ":80"' : ''}, or forward ${asked.length > 1 ? 'one of the ports' : 'the port'} to it`,
    );
  }
}

function isPortChallenge(kind: ChallengeKind): kind is PortChallenge {
  return kind !== 'dns-01';
}

function listenText(kind: PortChallenge, ports: readonly number[]): string {
  const what = kind === 'http-01' ? 'listeners in clear text' : 'listeners with TLS';
  return `the ${what} have port ${orList(ports.map(String)).replace(' or ', ' and ')}`;
}
