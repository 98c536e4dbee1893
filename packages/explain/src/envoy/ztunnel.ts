import { dialect } from '../dialect.ts';
import type { Finding } from '../finding.ts';
import { isoTimeMs } from '../json-fields.ts';
import { judgedText } from '../line-text.ts';
import { parseLogfmt } from '../logfmt.ts';
import { clientLeftVerdict, failedWith, unknownVerdict } from '../typed-verdict.ts';
import { findingOf, fixOf, harmlessVerdict, type Verdict } from '../verdict.ts';

const format = 'ztunnel access log';

/** `2026-11-21T10:00:00.1Z error access connection complete src.addr=… dst.addr=… error="…"`: Istio's ambient mode. */
const beginning =
  /^(?:(\d{4}-\d\d-\d\dT[\d:.]{8,18}Z)[\t ]+)?(?:error|warn|info)[\t ]+access[\t ]+connection (?:complete|opened)[\t ]/;

interface Reason {
  readonly words: RegExp;
  readonly verdict: Verdict;
}

const start = fixOf('Start the application, and have it listen on that port and on all addresses of the pod');
const policy = fixOf('Allow the workload in an AuthorizationPolicy', 'kubectl get authorizationpolicies -A');
const network = fixOf('Check the network between the nodes, and network policies; port 15008 has to be open');

const reasons: readonly Reason[] = [
  {
    words: /policy rejection|allow policies exist|explicitly denied|http status: 401|http status: 403/,
    verdict: failedWith('reverse-proxy', 'http_request_denied', {
      sentence: 'A policy does not allow this workload to connect.',
      fix: policy,
    }),
  },
  {
    words: /Connection refused|os error 111/,
    verdict: failedWith('reverse-proxy', 'connection_refused', {
      sentence: 'The application refused the connection: nothing listens on that port.',
      fix: start,
    }),
  },
  {
    words: /no healthy upstream|no service for target|unknown destination|no valid|http status: 503/,
    verdict: failedWith('reverse-proxy', 'destination_unavailable', {
      sentence: 'No healthy endpoint of the service is known.',
      fix: fixOf('Check that the Service has ready endpoints', 'kubectl get endpointslices -A'),
    }),
  },
  {
    words: /No route to host|Network is unreachable/,
    verdict: failedWith('reverse-proxy', 'destination_ip_unroutable', {
      sentence: 'There is no route to the endpoint.',
      fix: network,
    }),
  },
  {
    words: /connection timed out|deadline has elapsed|maybe a NetworkPolicy|connect timeout/i,
    verdict: failedWith('reverse-proxy', 'connection_timeout', {
      sentence: 'The endpoint did not answer the connection attempt.',
      fix: network,
    }),
  },
  {
    words: /certificate|tls|alert/i,
    verdict: failedWith('reverse-proxy', 'tls_protocol_error', {
      sentence: 'The TLS handshake between the proxies failed.',
      fix: fixOf('Check the certificates of both proxies', 'istioctl ztunnel-config certificates'),
    }),
  },
  {
    words: /^io error: (?:deadline|Connection reset)|Connection reset by peer|Broken pipe|connection drain/,
    verdict: failedWith('reverse-proxy', 'connection_terminated', {
      sentence: 'One side reset the connection.',
      fix: fixOf("Read the application's log at that time"),
    }),
  },
];

function read(line: string): Finding | null {
  const found = beginning.exec(line);
  if (found === null) return null;
  const pairs = parseLogfmt(judgedText(line).replaceAll('\t', ' '));
  const error = pairs.get('error') ?? '';
  const verdict = error === '' ? harmlessVerdict : judge(error);
  return findingOf(
    {
      gateway: 'istio',
      format,
      kind: 'access',
      atMs: isoTimeMs(found[1]),
      upstream: pairs.get('dst.hbone_addr') ?? pairs.get('dst.addr') ?? null,
      evidence: error === '' ? [] : [error.slice(0, 240)],
    },
    verdict,
  );
}

function judge(error: string): Verdict {
  if (/client (?:closed|disconnected)|^connection closed by client/i.test(error))
    return clientLeftVerdict('The client closed the connection.');
  const known = reasons.find(({ words }) => words.test(error));
  return (
    known?.verdict ??
    unknownVerdict('reverse-proxy', 'The connection failed, for a reason that Candor does not know.', network)
  );
}

export const ztunnel = dialect('istio', format, (line) => (beginning.test(line) ? 2 : 0), read);
