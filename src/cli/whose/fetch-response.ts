import { request as requestPlain } from 'node:http';
import { request as requestSecure } from 'node:https';
import type { IncomingMessage } from 'node:http';
import type { AnsweredResponse } from '../../diagnose/whose/authorship.ts';
import { CommandFailure } from '../command-failure.ts';
import { readVersion } from '../version.ts';
import { bodyCharactersMax, gather } from './kept-response.ts';

export interface Asking {
  readonly timeoutMs: number;
  /** Whether the certificate must be one that this machine trusts. */
  readonly verify: boolean;
}

/** Asks once, by GET, as a client that takes what comes: no redirect is followed, nothing is asked for compressed. */
export function fetchResponse(url: URL, { timeoutMs, verify }: Asking): Promise<AnsweredResponse> {
  const ask = url.protocol === 'https:' ? requestSecure : requestPlain;
  const headers = { 'User-Agent': `candor/${readVersion()}`, Accept: '*/*', 'Accept-Encoding': 'identity' };
  return new Promise((resolve, reject) => {
    const failed = (why: string): void =>
      reject(new CommandFailure('gateway_unreachable', `${url.origin} did not respond: ${why}.`));
    const signal = AbortSignal.timeout(timeoutMs);
    const request = ask(url, { headers, agent: false, signal, rejectUnauthorized: verify });
    // Once the head has come, its errors are those of the body, of which the beginning counts.
    let hasHead = false;
    request.on('error', (error) => {
      if (!hasHead) failed(signal.aborted ? `no response within ${timeoutMs / 1000} s` : sentenceOf(error));
    });
    request.on('response', (response) => {
      hasHead = true;
      void readBody(response).then((body) => resolve(answerOf(response, body)));
    });
    // Nobody asked for another protocol; the head is an answer like any other.
    request.on('upgrade', (response, socket) => {
      socket.destroy();
      resolve(answerOf(response, ''));
    });
    request.end();
  });
}

function answerOf({ statusCode = 0, rawHeaders }: IncomingMessage, body: string): AnsweredResponse {
  const pairs: [string, string][] = [];
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) pairs.push([rawHeaders[at] ?? '', rawHeaders[at + 1] ?? '']);
  return { status: statusCode, headers: gather(pairs), body };
}

/** Its beginning; a body that breaks off is as good as one that is whole, since its head has come. */
async function readBody(response: IncomingMessage): Promise<string> {
  let text = '';
  response.setEncoding('utf8');
  try {
    for await (const slice of response) {
      text += slice as string;
      if (text.length >= bodyCharactersMax) break;
    }
  } catch {
    // The head says who wrote it, and most bodies do with their first lines.
  }
  response.destroy();
  return text.slice(0, bodyCharactersMax);
}

/** Where several addresses were tried, the error of the last has the words. */
function sentenceOf(error: Error): string {
  const last = error instanceof AggregateError ? (error.errors.at(-1) as Error | undefined) : error;
  return (last?.message ?? '').trim() || 'the connection could not be opened';
}
