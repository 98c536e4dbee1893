import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Peer } from '../scripts/peers.ts';
import { repositoryRoot } from '../scripts/repository.ts';
import { browserFields } from './browser-fields.ts';
import { ask } from './processes.ts';
import { type Handshake, settings, type Work } from './works.ts';

export interface LoadResult {
  readonly requests: number;
  readonly perSecond: number;
  /** Requests without a response, or with a status other than 2xx or 3xx. A round with failures is no measurement. */
  readonly failures: number;
}

export const connections = 64;

/** Runs wrk with kept-alive connections, or new ones, on the given core. Its script is written into `folder`. */
export async function load(
  wrk: Extract<Peer, { path: string }>,
  work: Work,
  place: { readonly port: number; readonly core: number; readonly seconds: number; readonly folder: string },
): Promise<LoadResult> {
  if (work.handshake !== undefined) return handshakes(work.handshake, work.path, place);
  const fields = browserFields.flatMap((field) => ['-H', field]);
  if (work.newConnection) fields.push('-H', 'Connection: close');
  const script = join(place.folder, `wrk-${place.port}.lua`);
  writeFileSync(script, scriptOf(work));
  const args = [
    ...[wrk.path, '-t1', `-c${connections}`, `-d${place.seconds}s`],
    ...(work.method === 'GET' && !work.freshFields ? [] : ['-s', script]),
    ...fields,
    `${settings[work.setting].tls ? 'https' : 'http'}://127.0.0.1:${place.port}${work.path}`,
  ];
  return readWrk(await ask(place.core, args, wrk.env));
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

function scriptOf({ method, contentBytes, freshFields }: Work): string {
  const lines = [`wrk.method = "${method}"`, `wrk.body = string.rep("x", ${contentBytes})`];
  if (freshFields) lines.push(freshTraceparent);
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
