import type { Fix } from '../finding.ts';
import {
  appErrorVerdict,
  clientLeftVerdict,
  failedWith,
  type FailureWords,
  unknownVerdict,
  unreachableVerdict,
  fixOf,
  type Verdict,
  harmlessVerdict,
} from '../verdict.ts';

const lambdaLog = fixOf(
  "Read the function's own log at that time",
  'aws logs tail /aws/lambda/FUNCTION_NAME --since 1h --filter-pattern ERROR',
);

/** How the load balancer gave up on a function, from the codes that AWS documents for `error_reason`. */
function lambdaVerdict(reason: string): Verdict {
  switch (reason) {
    case 'LambdaInvalidResponse':
      return failedWith('load-balancer', 'http_protocol_error', {
        sentence: 'The function returned a value that the load balancer cannot turn into a response.',
        fix: fixOf(
          'Have the function return an object with `statusCode`, `headers` and `body`, the latter a string',
          "return { statusCode: 200, headers: { 'content-type': 'text/plain' }, body: 'text' };",
        ),
      });
    case 'LambdaResponseTooLarge':
      return failedWith('load-balancer', 'http_response_body_size', {
        sentence: "The function's response is larger than the 1 MB that the load balancer accepts from a function.",
        fix: fixOf('Return less than 1 MB, or redirect the client to a presigned S3 URL'),
      });
    case 'LambdaRequestTooLarge':
      return failedWith('load-balancer', 'http_request_error', {
        sentence: 'The request is larger than the 1 MB that the load balancer passes to a function.',
        fix: fixOf('Upload large bodies to a presigned S3 URL instead'),
      });
    case 'LambdaUnhandled':
      return appErrorVerdict('The function threw an error, or reached its own timeout.', lambdaLog);
    case 'LambdaThrottling':
      return failedWith('load-balancer', 'connection_limit_reached', {
        sentence: 'Lambda rejected the call: the function has reached its concurrency limit.',
        whose: 'operator',
        fix: fixOf(
          "Raise the function's reserved concurrency, or the account's limit",
          'aws lambda put-function-concurrency --function-name FUNCTION_NAME --reserved-concurrent-executions 100',
        ),
      });
    case 'LambdaConnectionTimeout':
      return failedWith('load-balancer', 'connection_timeout', {
        sentence: 'Lambda did not accept the connection in time.',
        fix: fixOf('Check the state of Lambda in that region; if it persists, ask AWS with the trace id of the line'),
      });
    default:
      return otherReason(reason);
  }
}

function otherReason(reason: string): Verdict {
  if (reason === 'LambdaServiceException') {
    return failedWith('load-balancer', 'proxy_internal_error', {
      sentence: 'Lambda itself failed before it had run the function.',
      stage: 'connect',
      fix: fixOf('Check the state of Lambda in that region; such calls may be retried'),
    });
  }
  if (/AccessDenied|ResourceNotFound|KMS|InvalidRuntime|InvalidSecurityGroup|InvalidSubnet|InvalidZipFile/.test(reason))
    return failedWith('load-balancer', 'proxy_configuration_error', {
      sentence: `The configuration of the function prevents the call (${reason}).`,
      fix: fixOf(
        "Fix what the reason names: the function's permission for elasticloadbalancing.amazonaws.com, its key, its network or its code",
        'aws lambda get-policy --function-name FUNCTION_NAME',
      ),
    });
  return unreachableVerdict('load-balancer', {
    sentence: `Lambda could not start the function (${reason}).`,
    whose: 'operator',
    fix: fixOf("Check the function's network and limits against the reason"),
  });
}

/** The fields of an Application Load Balancer's line that decide. Times in seconds; -1 if a step was not reached. */
export interface AlbExchange {
  /** Null: no target was chosen, or it is a function. */
  readonly target: string | null;
  readonly targetGroup: string | null;
  readonly requestS: number;
  readonly targetS: number;
  readonly responseS: number;
  readonly status: number | null;
  readonly targetStatus: number | null;
  /** From the arrival of the request to the response; null if the line is too old or too short to have it. */
  readonly elapsedS: number | null;
  readonly actions: readonly string[];
  readonly errorReason: string | null;
  readonly classification: string | null;
  readonly classificationReason: string | null;
}

const idleTimeout =
  'aws elbv2 modify-load-balancer-attributes --load-balancer-arn ARN --attributes Key=idle_timeout.timeout_seconds,Value=120';

/**
 * The load balancer gives up a connection attempt after 10 s (AWS documents no setting for it); with some slack for the
 * clock.
 */
const connectTimeoutS = { min: 9.5, max: 11.5 };

/** No application reads a request and writes half a response in this time: the connection was already closed. */
const atOnceS = 0.001;

export function judgeAlb(exchange: AlbExchange): Verdict {
  const { status, targetStatus, errorReason } = exchange;
  if (errorReason?.startsWith('Lambda') === true) return lambdaVerdict(errorReason);
  if (status === 460) return clientLeft;
  if (targetStatus !== null && targetStatus === status) return status >= 500 ? relayed(status) : harmlessVerdict;
  if (errorReason?.startsWith('Auth') === true) return authVerdict(errorReason, status);
  if (status === null || status < 400) return harmlessVerdict;
  if (targetStatus !== null) return judgeCutAnswer(exchange, targetStatus);
  if (exchange.actions.includes('fixed-response')) return fixedResponse(status);
  return status < 500 || status === 501 || status === 505 ? judgeRequest(exchange, status) : judgeFailure(exchange);
}

const clientLeft = clientLeftVerdict(
  'The client closed the connection before the response came (the load balancer logs 460).',
  'response',
  fixOf("Compare the client's timeout with the application's response time, and with the idle timeout", idleTimeout),
);

function relayed(status: number): Verdict {
  return appErrorVerdict(
    `The target itself answered ${status}; the load balancer passed it on.`,
    fixOf("Read the application's own log for the trace id of the line"),
  );
}

function fixedResponse(status: number): Verdict {
  if (status < 500) return harmlessVerdict;
  return failed('proxy_internal_response', {
    sentence: `A rule of the listener answers ${status} (fixed-response).`,
    fix: fixOf('Change or remove the rule, unless this is maintenance', 'aws elbv2 describe-rules --listener-arn ARN'),
  });
}

/** Responses of the load balancer itself that are due to the request. */
function judgeRequest(exchange: AlbExchange, status: number): Verdict {
  if (status === 403 || status === 401) {
    const by = exchange.actions.includes('waf') ? 'The web ACL of AWS WAF' : 'The load balancer';
    return failed('http_request_denied', {
      sentence: `${by} refused the request.`,
      fix: fixOf('If the request should be allowed, find the rule of the web ACL, or of the listener, that matched it'),
    });
  }
  if (status === 464) {
    return failed('http_request_error', {
      sentence: "The request's protocol does not match the protocol version of the target group.",
      fix: fixOf('Send such requests to a target group of their protocol version: HTTP1, HTTP2 or GRPC'),
    });
  }
  const { classification, classificationReason } = exchange;
  const how = classification === null ? '' : `: ${classification}, ${classificationReason ?? 'no reason given'}`;
  return failed('http_request_error', {
    sentence: `${requestFaults[status] ?? 'The load balancer rejected the request'}${how}.`,
    fix: status === 463 ? fixOf('Have proxies in front send no more than 30 addresses in X-Forwarded-For') : null,
  });
}

const requestFaults: Readonly<Record<number, string>> = {
  400: 'The request is malformed, its head is too large, or the client closed the connection before the request was complete',
  405: 'The method TRACE is not allowed',
  408: 'The client sent nothing for as long as the idle timeout',
  413: "The request's head or body is larger than the load balancer accepts",
  414: 'The address of the request is too long',
  463: 'X-Forwarded-For had more than 30 addresses',
  501: 'The request has a Transfer-Encoding that the load balancer does not support',
  505: 'The request is in another version of HTTP than the connection',
};

/** The load balancer's own 5xx, without a response of the target. */
function judgeFailure(exchange: AlbExchange): Verdict {
  switch (exchange.status) {
    case 502:
      return judgeBadGateway(exchange);
    case 503:
      return judgeUnavailable(exchange);
    case 504:
      return judgeTimeout(exchange);
    case 507:
      return failed('proxy_configuration_error', {
        sentence: 'The address that a rule redirects to is too long.',
        fix: fixOf('Shorten the address in the rule'),
      });
    case 500:
      if (exchange.actions.some((action) => action.startsWith('waf') || action.startsWith('authenticate')))
        return failed('proxy_internal_error', {
          sentence: 'The load balancer could not apply its rule: AWS WAF or the identity provider failed.',
          fix: fixOf('Look at `error_reason` and `actions_executed` of the line, and at the web ACL and the provider'),
        });
      return ownAnswer;
    default:
      return ownAnswer;
  }
}

const ownAnswer = unknownVerdict(
  'load-balancer',
  'The load balancer made this response itself; the line does not say why.',
  fixOf('Look up the status in the documentation of the load balancer, or ask AWS with the trace id'),
);

function judgeBadGateway(exchange: AlbExchange): Verdict {
  const { target, requestS, targetS, elapsedS } = exchange;
  if (target === null)
    return unknownVerdict(
      'load-balancer',
      'There was no usable response; the line does not name a target either.',
      health(exchange),
    );
  if (requestS < 0) {
    if (elapsedS !== null && elapsedS >= connectTimeoutS.min) return tlsTimeout;
    return unreachableVerdict('load-balancer', {
      sentence: `The load balancer could not send the request to ${target}: the connection was refused, there was no route, or TLS failed.`,
      whose: null,
      fix: fixOf(
        'Check whether a process listens on that port, whether the security group allows the load balancer, and whether the protocol of the target group is right',
        ...commandOf(health(exchange)),
      ),
    });
  }
  if (targetS >= 0 && targetS <= atOnceS)
    return failed('connection_terminated', {
      sentence: `${target} closed the connection as soon as the request came: it had closed the idle connection.`,
      fix: fixOf(
        "Make the application's keep-alive longer than the load balancer's idle timeout of 60 s",
        'server.keepAliveTimeout = 65_000; // Node; gunicorn: --keep-alive 65; nginx: keepalive_timeout 65s',
      ),
    });
  return unknownVerdict(
    'load-balancer',
    `${target} got the request, and then closed the connection or sent invalid HTTP; this log has the same line for both.`,
    fixOf(
      "Read the target's own log; if it has nothing, capture the traffic on the port, and compare the target's keep-alive with the idle timeout",
      `tcpdump -i any -A 'tcp port ${/:(\d{1,5})$/.exec(target)?.[1] ?? 'PORT'}'`,
    ),
    'response',
  );
}

const tlsTimeout = failed('connection_timeout', {
  sentence: 'There was no usable connection after 10 s; with a 502, the TLS handshake did not end in time.',
  stage: 'tls',
  fix: fixOf("Check whether that port speaks TLS, as the target group's protocol HTTPS requires"),
});

function judgeUnavailable(exchange: AlbExchange): Verdict {
  if (exchange.target !== null)
    return unknownVerdict(
      'load-balancer',
      'The load balancer refused the request, although the line names a target.',
      health(exchange),
    );
  return failed('destination_unavailable', {
    sentence: 'The target group has no available target.',
    whose: 'operator',
    fix: fixOf('Register targets, and enable their availability zones', ...commandOf(health(exchange))),
  });
}

function judgeTimeout(exchange: AlbExchange): Verdict {
  const { target, requestS, elapsedS } = exchange;
  if (target === null)
    return unknownVerdict('load-balancer', 'The request timed out; the line names no target.', health(exchange));
  if (requestS >= 0) return idleTarget(target);
  if (elapsedS === null)
    return unknownVerdict(
      'load-balancer',
      `${target} timed out; without request_creation_time the line does not show whether while connecting or while waiting.`,
      fixOf(
        'Keep the whole line: `time` minus `request_creation_time` is 10 s for a connection that could not be made',
      ),
    );
  if (elapsedS < connectTimeoutS.min || elapsedS > connectTimeoutS.max) return idleTarget(target);
  return failed('connection_timeout', {
    sentence: `No connection to ${target}, or no TLS over it, could be made within 10 s.`,
    fix: fixOf(
      "Allow the load balancer's security group to reach that port, and the replies on ports 1024 to 65535",
      'aws ec2 authorize-security-group-ingress --group-id TARGET_GROUP --protocol tcp --port PORT --source-group LOAD_BALANCER_GROUP',
    ),
  });
}

function idleTarget(target: string): Verdict {
  return failed('connection_read_timeout', {
    sentence: `${target} got the request and sent nothing until the idle timeout.`,
    fix: fixOf('Make the application answer sooner, or raise the idle timeout (60 s unless changed)', idleTimeout),
  });
}

/** The target had begun to answer, but the client got another status. */
function judgeCutAnswer({ status, target }: AlbExchange, targetStatus: number): Verdict {
  if (status === 504)
    return failed('connection_read_timeout', {
      sentence: `${target ?? 'The target'} answered ${targetStatus}, but sent fewer bytes than its Content-Length.`,
      stage: 'body',
      fix: fixOf("Correct the application's Content-Length, or find out why it stops in the middle"),
    });
  if (status === null || status < 500) return harmlessVerdict;
  return unknownVerdict(
    'load-balancer',
    `${target ?? 'The target'} answered ${targetStatus}, but the load balancer could not pass the response on: it was incomplete, or not valid HTTP.`,
    fixOf("Read the target's own log, and look at its response with `curl -v` from inside the network"),
    'body',
  );
}

function authVerdict(reason: string, status: number | null): Verdict {
  const isProvider = /TokenEp|UserinfoEp|InvalidTokenResponse|InvalidUserinfo|InvalidIdToken|Unhandled|ResponseSize/;
  if (isProvider.test(reason) && status !== 401)
    return failed('proxy_internal_error', {
      sentence: `The identity provider failed during the login (${reason}).`,
      whose: 'operator',
      fix: fixOf("Check the rule's endpoints, client id and secret, and that the load balancer may reach the provider"),
    });
  return failed('http_request_denied', {
    sentence: `The login at the load balancer failed (${reason}).`,
    whose: 'client',
    fix: fixOf('If it happens to many users, check the names of cookies and the redirect address of the provider'),
  });
}

function failed(type: Parameters<typeof failedWith>[1], words: FailureWords): Verdict {
  return failedWith('load-balancer', type, words);
}

/** The command that shows the health of the targets, with the name of the target group if the line has it. */
function health({ targetGroup }: AlbExchange): Fix {
  const arn = targetGroup !== null && /^arn:[\w:/.-]{1,300}$/.test(targetGroup) ? targetGroup : 'ARN';
  return fixOf('Check the health of the targets', `aws elbv2 describe-target-health --target-group-arn ${arn}`);
}

function commandOf({ snippet }: Fix): string[] {
  return snippet === null ? [] : [snippet];
}
