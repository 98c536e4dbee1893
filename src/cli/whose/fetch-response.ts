import { request as requestPlain } from 'node:http';
import { request as requestSecure } from 'node:https';
import type { IncomingMessage } from 'node:http';
import type { AnsweredResponse } from '#explain/whose/authorship.ts';
import { timeoutSignal } from '../../system/timeout-signal.ts';
import { CommandFailure } from '../command-failure.ts';
import { readVersion } from '../version.ts';
import { bodyCharactersMax, gather } from '#explain/whose/kept-response.ts';

export interface Asking {
  readonly timeoutMs: number;
  /** Whether the certificate must be one that this machine trusts. */
  readonly verify: boolean;
}

/** Sends one GET request, follows no redirect and asks for no compression. */
export function fetchResponse(url: URL, { timeoutMs, verify }: Asking): Promise<AnsweredResponse> {
  const ask = url.protocol === 'https:' ? requestSecure : requestPlain;
  const headers = { 'User-Agent': `candor/${readVersion()}`, Accept: '*/*', 'Accept-Encoding': 'identity' };
  return new Promise((resolve, reject) => {
    const failed = (why: string): void =>
      reject(new CommandFailure('gateway_unreachable', `${url.origin} did not respond: ${why}.`));
    const signal = timeoutSignal(timeoutMs);
    const request = ask(url, { headers, agent: false, signal, rejectUnauthorized: verify });
    // After the head, errors concern the body, of which only the beginning is needed.
    let hasHead = false;
    request.on('error', (error) => {
      if (!hasHead) failed(signal.aborted ? `no response within ${timeoutMs / 1000} s` : sentenceOf(error));
    });
    request.on('response', (response) => {
      hasHead = true;
      void readBody(response).then((body) => resolve(answerOf(response, body)));
    });
    // The request asked for no other protocol. The head of a 101 is a response like any other.
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

/** The beginning of the body. A body that breaks off is good enough, since the head has come. */
async function readBody(response: IncomingMessage): Promise<string> {
  let text = '';
  response.setEncoding('utf8');
  try {
    for await (const slice of response) {
      text += slice as string;
      if (text.length >= bodyCharactersMax) break;
    }
  } catch {
    // The head names the author, or mostly the first lines of the body do.
  }
  response.destroy();
  return text.slice(0, bodyCharactersMax);
}

/** If several addresses were tried, the last error has the message. */
function sentenceOf(error: Error): string {
  const last = error instanceof AggregateError ? (error.errors.at(-1) as Error | undefined) : error;
  return (last?.message ?? '').trim() || 'the connection could not be opened';
}
