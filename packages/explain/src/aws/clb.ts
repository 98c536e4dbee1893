import { dialect } from '../dialect.ts';
import type { Finding } from '../finding.ts';
import { isoTimeMs } from '../json-fields.ts';
import { judgedText } from '../line-text.ts';
import { statusOf } from '../status-field.ts';
import { appErrorVerdict, failedWith, type FailureWords, unknownVerdict } from '../typed-verdict.ts';
import { findingOf, fixOf, type Verdict, harmlessVerdict } from '../verdict.ts';
import { albRequest } from './alb.ts';
import { present, secondsOf, splitFields } from './fields.ts';

const format = 'AWS CLB access log';

const beginning =
  /^\d{4}-\d\d-\d\dT[\d:.]{8,18}Z \S{1,64} (?:\S{2,48}:\d{1,5}|-) (?:\S{2,48}:\d{1,5}|-) (?:-1|[\d.]{1,20}) (?:-1|[\d.]{1,20}) (?:-1|[\d.]{1,20}) (?:\d{1,3}|-) (?:\d{1,3}|-) \d{1,15} \d{1,15} "/;

interface ClbExchange {
  readonly backend: string | null;
  readonly requestS: number;
  readonly backendS: number;
  readonly responseS: number;
  readonly status: number | null;
  readonly backendStatus: number | null;
}

function readClb(line: string): Finding | null {
  if (!beginning.test(line)) return null;
  const fields = splitFields(judgedText(line));
  const exchange: ClbExchange = {
    backend: present(fields[3]),
    requestS: secondsOf(fields[4]),
    backendS: secondsOf(fields[5]),
    responseS: secondsOf(fields[6]),
    status: statusOf(fields[7]),
    backendStatus: statusOf(fields[8]),
  };
  const { requestS, backendS, responseS } = exchange;
  const verdict = judge(exchange);
  return findingOf(
    {
      gateway: 'aws-clb',
      format,
      kind: 'access',
      atMs: isoTimeMs(fields[0]),
      status: exchange.status,
      upstream: exchange.backend,
      request: albRequest(fields[11] ?? '-'),
      durationMs:
        requestS < 0 || backendS < 0 || responseS < 0 ? null : Math.round((requestS + backendS + responseS) * 1000),
      evidence: verdict.shape === 'none' ? [] : evidenceOf(fields),
    },
    verdict,
  );
}

function evidenceOf(fields: readonly string[]): string[] {
  const [, , , backend, request, processing, response, status, backendStatus] = fields;
  return [
    `elb_status_code=${status}`,
    `backend_status_code=${backendStatus}`,
    `backend:port=${backend}`,
    `times=${request} ${processing} ${response}`,
  ];
}

function judge(exchange: ClbExchange): Verdict {
  const { status, backendStatus, backendS, backend } = exchange;
  // A TCP listener has no status at all.
  if (status === null || status < 400) return harmlessVerdict;
  if (backendStatus === status)
    return status < 500
      ? harmlessVerdict
      : appErrorVerdict(
          `The instance itself answered ${status}; the load balancer passed it on.`,
          fixOf("Read the application's own log at that time"),
        );
  if (status < 500)
    return failed('http_request_error', {
      sentence: `The load balancer rejected the request (${status}): malformed, not allowed, or not sent in time.`,
      fix: null,
    });
  if (status === 502)
    return failed('http_protocol_error', {
      sentence: `${backend ?? 'The instance'} sent a response that is not valid HTTP.`,
      fix: fixOf(
        'Look at the response itself',
        `curl -v http://${backend !== null && /^[\d.:[\]a-f]{1,64}$/.test(backend) ? backend : 'INSTANCE:PORT'}/`,
      ),
    });
  if (status === 503)
    return failed('destination_unavailable', {
      sentence: 'No instance was available: none is registered and healthy, or the load balancer lacks capacity.',
      whose: 'operator',
      fix: fixOf(
        'Check which instances are in service, and whether their zones are enabled',
        'aws elb describe-instance-health --load-balancer-name NAME',
      ),
    });
  return status === 504 ? judgeTimeout(backend, backendS) : otherStatus(status);
}

/** This log has no time of the response. Only an instance that had begun to answer shows how long it took. */
function judgeTimeout(backend: string | null, backendS: number): Verdict {
  if (backendS >= 1)
    return failed('connection_read_timeout', {
      sentence: `${backend ?? 'The instance'} had not answered when the idle timeout ran out.`,
      fix: idleTimeout,
    });
  return unknownVerdict(
    'load-balancer',
    'The instance did not answer within the idle timeout, or it closed the connection; a Classic Load Balancer writes 504 for both.',
    fixOf(
      "Check whether the metric Latency reaches the idle timeout (then the instance is slow); if not, make the instances' keep-alive longer than the idle timeout",
      ...(idleTimeout.snippet === null ? [] : [idleTimeout.snippet]),
    ),
    'response',
  );
}

const idleTimeout = fixOf(
  'Make the application answer sooner, or raise the idle timeout (60 s unless changed)',
  'aws elb modify-load-balancer-attributes --load-balancer-name NAME --load-balancer-attributes \'{"ConnectionSettings":{"IdleTimeout":120}}\'',
);

function otherStatus(status: number): Verdict {
  return unknownVerdict(
    'load-balancer',
    `The load balancer answered ${status} itself; the line does not say why.`,
    fixOf("Read the instance's own log at that time"),
  );
}

function failed(type: Parameters<typeof failedWith>[1], words: FailureWords): Verdict {
  return failedWith('load-balancer', type, words);
}

export const clbDialect = dialect('aws-clb', format, (line) => (beginning.test(line) ? 2 : 0), readClb);
