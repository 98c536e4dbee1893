import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryRoot } from '../scripts/repository.ts';

const failures = [
  'connect() failed (111: Connection refused) while connecting to upstream',
  'upstream timed out (110: Connection timed out) while reading response header from upstream',
  'recv() failed (104: Connection reset by peer) while reading response header from upstream',
  'upstream prematurely closed connection while reading response header from upstream',
  'no live upstreams while connecting to upstream',
];

const firstMs = Date.UTC(2026, 10, 21, 10);

/** Fifty requests a second, of many clients and for many pages. Both logs have the same ones. */
function lineAt(kind: 'error' | 'access', line: number): string {
  const at = new Date(firstMs + Math.floor(line / 50) * 1000).toISOString();
  const client = `203.${line % 7}.${line % 251}.${line % 241}`;
  const path = `/orders/${(line * 7919) % 1_000_003}/items?page=${line % 97}`;
  if (kind === 'access')
    return `${client} - - [${at.slice(8, 10)}/Nov/2026:${at.slice(11, 19)} +0000] "GET ${path} HTTP/1.1" ${line % 20 === 0 ? 502 : 200} ${line % 50_000} "-" "Mozilla/5.0 (X11; Linux x86_64)"\n`;
  const said = failures[Math.floor(line / 7) % failures.length] as string;
  return `${at.slice(0, 10).replaceAll('-', '/')} ${at.slice(11, 19)} [error] 812#812: *${line + 4411} ${said}, client: ${client}, server: www.example.org, request: "GET ${path} HTTP/1.1", upstream: "http://10.0.0.${1 + (line % 9)}:8080${path}", host: "www.example.org"\n`;
}

/** Writes a log of nginx. */
export async function writeLargeLog(kind: 'error' | 'access', megabytes: number, path: string): Promise<void> {
  const file = createWriteStream(path);
  let bytes = 0;
  for (let line = 0; bytes < megabytes * 1e6; ) {
    let text = '';
    for (const until = line + 5000; line < until; line++) text += lineAt(kind, line);
    bytes += text.length;
    if (!file.write(text)) await once(file, 'drain');
  }
  file.end();
  await once(file, 'close');
}

interface LargeRun {
  readonly code: number | null;
  /** The most that it has had. */
  readonly residentBytes: number;
  readonly seconds: number;
  readonly headline: string;
  /** What it wrote to standard error. */
  readonly notice: string;
}

/** Runs `candor explain` on the files, and sends it SIGINT once it has read so many bytes, unless that is null. */
export async function explainLargeLog(
  files: readonly string[],
  folder: string,
  interruptAfterBytes: number | null = null,
): Promise<LargeRun> {
  const before = performance.now();
  const child = spawn(process.execPath, [join(repositoryRoot, 'bin', 'candor'), 'explain', ...files], { cwd: folder });
  let [out, err, residentBytes, isInterrupted] = ['', '', 0, false];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
  const watch = setInterval(() => {
    residentBytes = Math.max(residentBytes, peakOf(child.pid ?? 0));
    if (isInterrupted || interruptAfterBytes === null || readBytesOf(child.pid ?? 0) < interruptAfterBytes) return;
    isInterrupted = true;
    child.kill('SIGINT');
  }, 20);
  const [code] = (await once(child, 'close')) as [number | null];
  clearInterval(watch);
  const seconds = (performance.now() - before) / 1000;
  return { code, residentBytes, seconds, headline: out.split('\n')[0] ?? '', notice: err.trim() };
}

/** `VmHWM` of Linux; 0 if the process has ended. */
const peakOf = (pid: number): number => numberOf(`/proc/${pid}/status`, /^VmHWM:\s+(\d+) kB/m) * 1024;

/** Of all files: the program itself is some 20 MB. */
const readBytesOf = (pid: number): number => numberOf(`/proc/${pid}/io`, /^rchar: (\d+)/m);

function numberOf(path: string, form: RegExp): number {
  try {
    return Number(form.exec(readFileSync(path, 'utf8'))?.[1] ?? 0);
  } catch {
    return 0;
  }
}
