import type { AccessFields, Variable, Values } from './access-fields.ts';
import {
  type FixContext,
  checkAddress,
  enlargeHeadBuffer,
  fix,
  keepApplicationConnected,
  raiseTimeout,
  readErrorLog,
  logMore,
} from './fixes.ts';
import { type NginxVerdict, answeredSo, failed } from './verdict.ts';

/**
 * One attempt of nginx to get a response. An undefined property is not in the log. Null stands for nginx's `-` (or for
 * nothing, with `escape=json`): the attempt did not come so far.
 */
export interface UpstreamAttempt {
  /** Whether no other server was tried after this attempt. */
  readonly isLast: boolean;
  readonly address: string | null | undefined;
  /** nginx writes 502 or 504 here for its own failures too. */
  readonly status: number | null | undefined;
  readonly connectTime: number | null | undefined;
  readonly headerTime: number | null | undefined;
  readonly responseTime: number | null | undefined;
  readonly responseLength: number | null | undefined;
  readonly bytesReceived: number | null | undefined;
  readonly bytesSent: number | null | undefined;
}

const attemptsMax = 64;

/** Splits the lists of one line into attempts: `, ` separates servers, ` : ` separates internal redirects. */
export function attemptsOf(values: Values): readonly UpstreamAttempt[] {
  const lists = new Map<Variable, readonly string[]>();
  let longest: readonly string[] = [];
  let isLast: readonly boolean[] = [];
  for (const [name, value] of values) {
    if (!name.startsWith('upstream_')) continue;
    const groups = value.split(' : ', attemptsMax).map((group) => group.split(', ', attemptsMax));
    const items = groups.flat();
    lists.set(name, items);
    if (items.length <= longest.length) continue;
    longest = items;
    isLast = groups.flatMap((group) => group.map((_, index) => index === group.length - 1));
  }
  return longest.map((_, index) => attemptAt(lists, index, isLast[index] ?? true));
}

function attemptAt(lists: ReadonlyMap<Variable, readonly string[]>, index: number, isLast: boolean): UpstreamAttempt {
  const text = (name: Variable): string | null | undefined => {
    const items = lists.get(name);
    if (items === undefined) return undefined;
    const item = items[index];
    return item === undefined || item === '' || item === '-' ? null : item;
  };
  const number = (name: Variable): number | null | undefined => {
    const value = text(name);
    return typeof value === 'string' ? Number(value) : value;
  };
  return {
    isLast,
    address: text('upstream_addr'),
    status: number('upstream_status'),
    connectTime: number('upstream_connect_time'),
    headerTime: number('upstream_header_time'),
    responseTime: number('upstream_response_time'),
    responseLength: number('upstream_response_length'),
    bytesReceived: number('upstream_bytes_received'),
    bytesSent: number('upstream_bytes_sent'),
  };
}

/**
 * The attempt that the client's status comes from. Of several servers only the last one counts. Of several internal
 * redirects, the last one that ended with this status counts, and otherwise the last one that failed: an error page that
 * was fetched successfully does not change the client's status.
 */
export function decisive(attempts: readonly UpstreamAttempt[], status: number | null): UpstreamAttempt | null {
  const ends = attempts.filter((attempt) => attempt.isLast);
  return (
    ends.findLast((attempt) => attempt.status === status) ??
    ends.findLast((attempt) => (attempt.status ?? 0) >= 500) ??
    ends.at(-1) ??
    null
  );
}

/** The name of a group instead of an address: nginx writes it if no server of the group was available. */
function isGroupName(address: string): boolean {
  return /^[A-Za-z_][\w.-]{0,200}$/.test(address);
}

/** The fields that decide, with their names and values. */
function evidenceOf(status: number, attempt: UpstreamAttempt): readonly string[] {
  const show = (name: string, value: string | number | null | undefined): readonly string[] =>
    value === undefined ? [] : [`${name} ${value ?? '-'}`];
  return [
    `status ${status}`,
    ...show('upstream_addr', attempt.address?.slice(0, 200) ?? attempt.address),
    ...show('upstream_status', attempt.status),
    ...show('upstream_connect_time', attempt.connectTime),
    ...show('upstream_header_time', attempt.headerTime),
    ...show('upstream_response_time', attempt.responseTime),
    ...show('upstream_response_length', attempt.responseLength),
    ...show('upstream_bytes_received', attempt.bytesReceived),
  ];
}

/**
 * Judges a 5xx by the fields of the attempt behind it: whether an endpoint was tried, whether it answered, and how far
 * it got.
 */
export function judgeAttempt(fields: AccessFields, status: number, attempt: UpstreamAttempt): NginxVerdict {
  const evidence = evidenceOf(status, attempt);
  const { address, headerTime } = attempt;
  if (wasNoneTried(attempt)) return judgeUnasked(fields, status, evidence);
  if (typeof headerTime === 'number') return relayed(evidence);
  const upstreamStatus = attempt.status ?? (attempt.status === undefined ? status : null);
  if (upstreamStatus === null) {
    return cannotTell(
      fields,
      evidence,
      'The gateway made this response itself after it had chosen an address; this log does not say why.',
    );
  }
  // For its own failures nginx writes only 502 and 504. Every other status was read from a response.
  if (upstreamStatus !== 502 && upstreamStatus !== 504) {
    return upstreamStatus >= 500
      ? relayed(evidence)
      : cannotTell(
          fields,
          evidence,
          'The application answered, but the gateway replaced its response; this log does not say why.',
        );
  }
  if (typeof address === 'string' && isGroupName(address)) return noneAlive(evidence);
  if ((attempt.responseLength ?? 0) > 0) return relayed(evidence);
  if (wasNeverConnected(attempt)) return neverConnected(fields, upstreamStatus, attempt, evidence);
  return judgeConnected(fields, upstreamStatus, attempt, evidence);
}

const relayed = (evidence: readonly string[]): NginxVerdict =>
  answeredSo(evidence, 'access', 'The application itself sent this error; the gateway passed it on.');

/** Whether every upstream field that the log has is empty. */
function wasNoneTried(attempt: UpstreamAttempt): boolean {
  const { address, status, responseTime, connectTime, headerTime } = attempt;
  const logged = [address, status, responseTime, connectTime, headerTime].filter((value) => value !== undefined);
  // The times are empty for a refused connection, too.
  const decides = address !== undefined || status !== undefined || responseTime !== undefined;
  return decides && logged.every((value) => value === null);
}

function judgeUnasked(fields: AccessFields, status: number, evidence: readonly string[]): NginxVerdict {
  // Kong answers 503 for a name that is not found, too.
  if (status === 503 && fields.product !== 'kong') {
    return fields.product === 'ingress-nginx'
      ? ownAnswer(
          fields,
          status,
          // A limit of the Ingress answers 503 too, and leaves the same line.
          null,
          'No server was contacted: no endpoint of the Service is ready, or a limit of the Ingress refused the request.',
        )
      : ownAnswer(
          fields,
          status,
          null,
          'No server was contacted: the gateway itself refused the request, because of a limit or its configuration.',
        );
  }
  return {
    ...cannotTell(
      fields,
      evidence,
      'No server was contacted: the gateway could not choose one (an unresolved name, a setting), or its configuration has this response.',
    ),
    fix: readErrorLog(fields.product),
  };
}

function noneAlive(evidence: readonly string[]): NginxVerdict {
  return failed(
    {
      shape: 'refused_by_gateway',
      type: 'destination_unavailable',
      stage: 'route',
      whose: 'application',
      evidence,
      sentence: 'Every server of that upstream was taken out after earlier failures, so no server was contacted.',
      fix: fix(
        'Fix the failures before this line; with a single application, switch the counting off',
        'server HOST:PORT max_fails=0;',
      ),
    },
    true,
    'access',
  );
}

/** There was no connection time, or not a byte of a request was sent. */
function wasNeverConnected({ connectTime, bytesSent }: UpstreamAttempt): boolean {
  return connectTime === null || (connectTime === undefined && bytesSent === 0);
}

function neverConnected(
  { product }: AccessFields,
  upstreamStatus: number,
  attempt: UpstreamAttempt,
  evidence: readonly string[],
): NginxVerdict {
  const context = { product, module: 'proxy', isStream: false };
  const isUnixSocket = attempt.address?.startsWith('unix:') === true;
  const isLate = upstreamStatus === 504;
  return failed(
    {
      shape: 'unreachable',
      // A 502 may be a refused connection, a missing route or a failed TLS handshake: only the error log shows which.
      type: isLate ? 'connection_timeout' : isUnixSocket ? 'connection_refused' : null,
      stage: 'connect',
      whose: isLate ? 'network' : isUnixSocket ? 'application' : null,
      evidence,
      sentence: isLate
        ? 'The connection to the application timed out.'
        : 'There was no connection to the application: it refused, there was no route, or the TLS handshake failed; the error log says which.',
      fix: checkAddress('Check that the application runs and listens there', context),
    },
    false,
    'access',
  );
}

function judgeConnected(
  fields: AccessFields,
  upstreamStatus: number,
  attempt: UpstreamAttempt,
  evidence: readonly string[],
): NginxVerdict {
  const context = { product: fields.product, module: 'proxy', isStream: false };
  const { connectTime, headerTime, bytesReceived, bytesSent } = attempt;
  const isConnected = typeof connectTime === 'number' || (bytesSent ?? 0) > 0 || (bytesReceived ?? 0) > 0;
  const hasNoHead = headerTime === null || bytesReceived === 0 || bytesReceived === null;
  if (!isConnected || !hasNoHead) {
    return cannotTell(
      fields,
      evidence,
      `nginx writes ${upstreamStatus} here for its own failures and for the application's answer alike; this log does not tell them apart.`,
    );
  }
  if (upstreamStatus === 504) {
    return failed(
      {
        shape: 'too_slow',
        type: 'connection_read_timeout',
        stage: 'response',
        whose: 'application',
        evidence,
        sentence:
          "The connection was open, but the application did not begin its response before the gateway's timeout.",
        fix: raiseTimeout('read', context),
      },
      false,
      'access',
    );
  }
  if (bytesReceived === undefined) {
    return cannotTell(
      fields,
      evidence,
      'The connection was open, but no valid response head came: the application closed the connection, or sent something else. This log does not say which.',
    );
  }
  if ((bytesReceived ?? 0) > 0 && looksLikeGrpc(fields.requestLine)) {
    return cannotTell(
      fields,
      evidence,
      'The connection was open, but no response came. With gRPC, the first bytes are no part of a response, so they do not show whether the application closed the connection.',
    );
  }
  if ((bytesReceived ?? 0) === 0) return brokeOff(context, evidence);
  if (fillsBuffer(bytesReceived ?? 0)) return tooLarge(context, evidence);
  return cannotTell(
    fields,
    evidence,
    'The application sent bytes, but no complete response head: it closed the connection, or the head is invalid. Only the error log says which.',
  );
}

/** HTTP/2 sends SETTINGS frames before any response, so bytes arrive even without a response. */
const looksLikeGrpc = (line: string | null): boolean =>
  line !== null && /^POST \/[\w.]{1,300}\/\w{1,200} HTTP\/2/.test(line);

function brokeOff(context: FixContext, evidence: readonly string[]): NginxVerdict {
  return failed(
    {
      shape: 'reset',
      type: 'connection_terminated',
      stage: 'response',
      whose: 'application',
      evidence,
      sentence: 'The application accepted the connection, and closed it without a byte of a response.',
      fix: keepApplicationConnected(context),
    },
    false,
    'access',
  );
}

/** A buffer that is exactly full is a head that did not fit, since nginx reads no further. */
const fillsBuffer = (bytes: number): boolean => bytes >= 4096 && bytes % 4096 === 0;

function tooLarge(context: FixContext, evidence: readonly string[]): NginxVerdict {
  return failed(
    {
      shape: 'garbage',
      type: 'http_response_header_section_size',
      stage: 'response',
      whose: 'operator',
      evidence,
      sentence: "The head of the application's response fills nginx's buffer for it, and is not complete.",
      fix: enlargeHeadBuffer(context),
    },
    false,
    'access',
  );
}

/** No server was contacted, and the line proves it. */
export function ownAnswer(
  fields: AccessFields,
  status: number,
  type: NginxVerdict['type'],
  sentence: string,
): NginxVerdict {
  return failed(
    {
      shape: 'refused_by_gateway',
      type,
      stage: 'route',
      whose: fields.product === 'ingress-nginx' ? null : 'gateway',
      evidence: [`status ${status}`, 'upstream_addr -'],
      sentence,
      fix:
        fields.product === 'ingress-nginx'
          ? fix(
              'Check that the Service has ready endpoints; if it has, a limit of the Ingress (`limit-rps`, `limit-connections`) refused the request, and a line "limiting requests" says so',
              'kubectl get endpointslices -l kubernetes.io/service-name=SERVICE',
            )
          : readErrorLog(fields.product),
    },
    false,
    'access',
  );
}

/** A failure with more than one possible cause in what is logged. The fix names what to log. */
export function cannotTell(fields: AccessFields, evidence: readonly string[], sentence: string): NginxVerdict {
  return {
    kind: 'access',
    shape: 'unknown',
    type: null,
    stage: null,
    born: null,
    whose: null,
    evidence,
    sentence,
    fix: logMore(fields.product, new Set<Variable>(fields.values.keys())),
    isConsequence: false,
  };
}
