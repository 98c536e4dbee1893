import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';

/** Asks the admin API. Rejects where the gateway does not answer within five seconds, or with a status of 400 or more. */
export async function askAdmin(socketPath: string, method: string, path: string, body?: unknown): Promise<unknown> {
  const text = body === undefined ? '' : JSON.stringify(body);
  const headers = body === undefined ? {} : { 'content-type': 'application/json', 'content-length': text.length };
  const asked = request({ socketPath, method, path, headers, agent: false, signal: AbortSignal.timeout(5000) });
  asked.end(text);
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  let answer = '';
  for await (const part of response.setEncoding('utf8')) answer += part as string;
  const status = response.statusCode ?? 0;
  if (status >= 400) throw new Error(`${method} ${path}: ${status} ${answer.slice(0, 2000)}`);
  return answer === '' ? null : (JSON.parse(answer) as unknown);
}
