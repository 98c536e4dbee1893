import { type ParsedAnswer, quoteField } from './answer.ts';
import { type AuthorVerdict, authorVerdict } from './verdict.ts';

/** The messages of the API gateways for REST and for HTTP APIs. An integration could send the same text: hence 'likely'. */
const words =
  /^\s*\{"message":\s?"(?:Internal [Ss]erver [Ee]rror|Endpoint request timed out|Network error communicating with endpoint|Service Unavailable|Missing Authentication Token|Forbidden|Unauthorized|Not Found|Too Many Requests|Limit Exceeded)"\}\s*$/;

export function readApiGateway(answer: ParsedAnswer): AuthorVerdict | null {
  const found = words.exec(answer.body);
  if (found === null) return null;
  for (const name of ['x-amz-apigw-id', 'apigw-requestid', 'x-amzn-requestid']) {
    const id = answer.field(name);
    if (id !== null)
      return authorVerdict('aws-api-gateway', 'likely', 'the words are its own', found[0], quoteField(name, id));
  }
  return null;
}
