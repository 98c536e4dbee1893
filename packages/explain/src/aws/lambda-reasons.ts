import { appErrorVerdict, failedWith, unreachableVerdict } from '../typed-verdict.ts';
import { fixOf, type Verdict } from '../verdict.ts';

const lambdaLog = fixOf(
  "Read the function's own log at that time",
  'aws logs tail /aws/lambda/FUNCTION_NAME --since 1h --filter-pattern ERROR',
);

/** How the load balancer gave up on a function, from the codes that AWS documents for `error_reason`. */
export function lambdaVerdict(reason: string): Verdict {
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
