import type { ProxyErrorType } from '../../../failures/src/proxy-error.ts';
import type { Born, Fix } from '../finding.ts';
import {
  appErrorVerdict,
  clientLeftVerdict,
  failedWith,
  unknownVerdict,
  unreachableVerdict,
} from '../typed-verdict.ts';
import { fixOf, harmlessVerdict, type Verdict } from '../verdict.ts';

/**
 * What a gateway's own word for an outcome means. 'unreachable': no connection, and the word does not say why.
 * 'application': the origin sent this response itself. 'unknown': a failure, and the word does not say which.
 */
export type Reason = ProxyErrorType | 'unreachable' | 'application' | 'client_left' | 'unknown' | 'none';

/** The gateway that wrote the word. */
export interface ReasonSource {
  /** In sentences: "CloudFront". */
  readonly name: string;
  readonly born: Born;
  /** Advice in the settings of that gateway, where it is better than the advice of the table below. */
  readonly fixes?: Readonly<Partial<Record<Reason, Fix>>>;
}

type Meaning = readonly [sentence: string, advice: string];

/** `%s` stands for the gateway. */
const meanings: Readonly<Partial<Record<Reason, Meaning>>> = {
  dns_error: ['%s could not look up the name of the origin.', 'Correct the name of the origin, or its DNS records'],
  dns_timeout: ['The name server did not answer %s in time.', 'Check the name servers of the zone of the origin'],
  destination_not_found: [
    '%s has no route for this request.',
    'Add the host and the path to the routes of the gateway',
  ],
  destination_unavailable: [
    '%s considers every server of that origin unhealthy, so it contacted none.',
    'Look at the results of the health checks, and fix the failures before this line',
  ],
  destination_ip_unroutable: ['There is no route from %s to the origin.', 'Check the address and the network'],
  connection_refused: [
    'The origin refused the connection from %s.',
    'Start the application, or correct the address and the port of the origin',
  ],
  connection_timeout: [
    'The connection from %s to the origin timed out.',
    'Check the address of the origin, and whether a firewall drops the packets of the gateway',
  ],
  connection_terminated: [
    'The origin closed the connection before it had answered %s.',
    'Look for a crash or a restart of the origin; have it keep idle connections longer than the gateway does',
  ],
  connection_read_timeout: [
    'The origin got the request from %s, but did not answer in time.',
    'Find out what the application waits for, or raise the response timeout of the gateway',
  ],
  http_response_timeout: [
    'The origin got the request from %s, but did not answer in time.',
    'Find out what the application waits for, or raise the response timeout of the gateway',
  ],
  connection_write_timeout: [
    'The origin did not read the request of %s in time.',
    'Find out what the origin waits for',
  ],
  connection_limit_reached: [
    '%s has no free connection or worker for this request.',
    'Add workers or servers, or raise the limit',
  ],
  tls_protocol_error: [
    'The TLS handshake between %s and the origin failed.',
    'Check that the port of the origin speaks TLS, and which versions, ciphers and server names it accepts',
  ],
  tls_certificate_error: [
    '%s does not accept the certificate of the origin.',
    'Renew the certificate, or correct its names and its chain',
  ],
  http_request_error: [
    'The request of the client is not valid.',
    'Nothing is wrong with the gateway: look at the client',
  ],
  http_request_denied: ['A rule of %s denied the request.', 'If such requests should be allowed, change the rule'],
  http_response_incomplete: [
    'The response of the origin broke off before it was complete.',
    'Look for a crash, a restart or a time limit of the origin at that time',
  ],
  http_response_header_section_size: [
    "The headers of the origin's response are larger than %s accepts.",
    'Send fewer or smaller headers; often these are cookies',
  ],
  http_protocol_error: [
    "%s does not accept the origin's response as HTTP.",
    'Look at the response that the origin sends, for instance with curl -v',
  ],
  proxy_internal_error: ['%s itself failed.', 'If it persists, report it to those who operate the gateway'],
  proxy_configuration_error: ['The configuration of %s is wrong.', 'Correct the setting that the line names'],
  proxy_loop_detected: ['The request came back to %s.', "Remove the gateway's own address from its origins"],
};

/** The verdict on a word of the gateway. */
export function verdictOfReason(reason: Reason, source: ReasonSource): Verdict {
  const { name, born, fixes } = source;
  if (reason === 'none') return harmlessVerdict;
  if (reason === 'client_left') return clientLeftVerdict(`The client left before ${name} had answered.`);
  if (reason === 'application')
    return appErrorVerdict(
      `The origin itself sent this error; ${name} passed it on.`,
      fixOf('Read the log of the application'),
    );
  if (reason === 'unknown')
    return unknownVerdict(
      born,
      `${name} reports an error; the line does not say what failed.`,
      fixes?.unknown ??
        fixOf('Look for the same request in the log of the origin: without a line there, it was not reached'),
    );
  const [sentence, advice] = meanings[reason] ?? [`%s reports ${reason}.`, 'Look at the log of the origin'];
  const fix = fixes?.[reason] ?? fixOf(advice);
  if (reason === 'unreachable')
    return unreachableVerdict(born, {
      sentence: `${name} could not connect to the origin: it refused, there was no route, or it took too long.`,
      fix: fixes?.unreachable ?? fixOf('Check that the origin runs, and that its firewall allows the gateway'),
    });
  return failedWith(born, reason, { sentence: sentence.replace('%s', name), fix });
}
