import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Peer, type PeerName, preparePeer } from '../scripts/peers.ts';
import { repositoryRoot } from '../scripts/repository.ts';
import { browserHeaders } from './browser-headers.ts';
import { grpcMessage } from './gateways.ts';
import { ask } from './processes.ts';
import { type Handshake, settings, type Work } from './works.ts';

export interface LoadResult {
  readonly requests: number;
  readonly perSecond: number;
  /** Requests without a response, or with a status other than 2xx or 3xx. A round with failures is no measurement. */
  readonly failures: number;
}

const connections = 64;

/** Connections and streams on each, of clients that speak HTTP/2: as many requests at a time as `connections`. */
const http2Connections = 8;
const http2Streams = connections / http2Connections;

/** Runs wrk with kept-alive connections, or new ones, on the given core. Its script is written into `folder`. */
export async function load(
  wrk: Extract<Peer, { path: string }>,
  work: Work,
  place: { readonly port: number; readonly core: number; readonly seconds: number; readonly folder: string },
): Promise<LoadResult> {
  if (work.handshake !== undefined) return handshakes(work.handshake, work.path, place);
  if (settings[work.setting].http2) return loadHttp2(work, place);
  const headers = [...headerWords(browserHeaders)];
  if (work.newConnection) headers.push('-H', 'Connection: close');
  const script = join(place.folder, `wrk-${place.port}.lua`);
  writeFileSync(script, scriptOf(work));
  const args = [
    ...[wrk.path, '-t1', `-c${work.connections ?? connections}`, `-d${place.seconds}s`],
    ...(work.method === 'GET' && !work.freshHeaders ? [] : ['-s', script]),
    ...headers,
    `${settings[work.setting].tls ? 'https' : 'http'}://127.0.0.1:${place.port}${work.path}`,
  ];
  return readWrk(await ask(place.core, args, wrk.env));
}

/** Runs h2load, of nghttp2. */
async function loadHttp2(
  work: Work,
  {
    port,
    core,
    seconds,
    folder,
  }: { readonly port: number; readonly core: number; readonly seconds: number; readonly folder: string },
): Promise<LoadResult> {
  const h2load = needProgram('h2load');
  const args = [
    ...[h2load.path, `-c${http2Connections}`, `-m${http2Streams}`, `-D${seconds}`, '-w20', '-W24'],
    ...(work.setting === 'grpc' ? grpcWords(join(folder, `message-${port}`)) : headerWords(browserHeaders)),
    `${settings[work.setting].tls ? 'https' : 'http'}://127.0.0.1:${port}${work.path}`,
  ];
  return readH2load(await ask(core, args, h2load.env));
}

/** As grpc-go sends a call. The message is written into `file`. */
function grpcWords(file: string): readonly string[] {
  writeFileSync(file, grpcMessage, 'latin1');
  const headers = ['content-type: application/grpc', 'te: trailers', 'user-agent: grpc-go/1.60.1', 'grpc-timeout: 10S'];
  return ['-d', file, ...headerWords(headers)];
}

function headerWords(headers: readonly string[]): readonly string[] {
  return headers.flatMap((header) => ['-H', header]);
}

function needProgram(name: PeerName): Extract<Peer, { path: string }> {
  const peer = preparePeer(name, console.error);
  if ('missing' in peer) throw new Error(peer.missing);
  return peer;
}

/** Requests that were under way when the time was over are neither done nor failed. */
export function readH2load(text: string): LoadResult {
  const [, done = '0', failed = '0'] = /(\d+) done, \d+ succeeded, (\d+) failed/.exec(text) ?? [];
  const [, fourth = '0', fifth = '0'] = /(\d+) 4xx, (\d+) 5xx/.exec(text) ?? [];
  return {
    requests: Number(done),
    perSecond: Number(/([\d.]+) req\/s/.exec(text)?.[1]),
    failures: Number(failed) + Number(fourth) + Number(fifth),
  };
}

async function handshakes(
  { version, resumes }: Handshake,
  path: string,
  { port, core, seconds }: { readonly port: number; readonly core: number; readonly seconds: number },
): Promise<LoadResult> {
  const program = join(repositoryRoot, 'bench', 'handshakes.ts');
  const args = [process.execPath, program, String(port), String(seconds), version, resumes ? 'resumed' : 'full', path];
  return JSON.parse(await ask(core, args, {})) as LoadResult;
}

function scriptOf({ method, bodyBytes, freshHeaders }: Work): string {
  const lines = [`wrk.method = "${method}"`, `wrk.body = string.rep("x", ${bodyBytes})`];
  if (freshHeaders) lines.push(freshTraceparent);
  return `${lines.join('\n')}\n`;
}

/** As a client that traces its requests, with another trace id each time. */
const freshTraceparent = `local asked = 0
request = function()
  asked = asked + 1
  wrk.headers["traceparent"] = string.format("00-%032x-%016x-01", asked, asked)
  return wrk.format(nil, wrk.path .. "?item=" .. asked)
end`;

export function readWrk(text: string): LoadResult {
  const socketErrors =
    /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(text)?.slice(1) ?? [];
  return {
    requests: Number(/(\d+) requests in/.exec(text)?.[1]),
    perSecond: Number(/Requests\/sec:\s+([\d.]+)/.exec(text)?.[1]),
    failures:
      Number(/Non-2xx or 3xx responses: (\d+)/.exec(text)?.[1] ?? 0) +
      socketErrors.reduce((sum, count) => sum + Number(count), 0),
  };
}
