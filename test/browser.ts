import { createHash, X509Certificate } from 'node:crypto';
import { type ChildProcess, spawn, type StdioOptions } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { findPeer } from '../scripts/peers.ts';

const found = findPeer('chromium');

/** Options of tests that need a browser. */
export const withBrowser: { readonly skip?: string } = 'missing' in found ? { skip: found.missing } : {};

/** Flags of every Chromium here. It shows nothing but pages of our own. */
export const chromiumFlags: readonly string[] = ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'];

/** The program and its environment. Throws where it is missing. */
export function chromium(): { readonly path: string; readonly env: NodeJS.ProcessEnv } {
  const peer = findPeer('chromium');
  if ('missing' in peer) throw new Error(peer.missing);
  return { path: peer.path, env: { ...process.env, ...peer.env } };
}

/** Without a window, and without a word to anybody; a group of its own, since it is many processes. */
export function startChromium(folder: string, more: readonly string[], stdio: StdioOptions): ChildProcess {
  const flags = [
    '--headless=new',
    ...chromiumFlags,
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
    `--user-data-dir=${join(folder, 'profile')}`,
  ];
  const { path, env } = chromium();
  return spawn(path, [...flags, ...more], { detached: true, stdio, env: { ...env, HOME: folder } });
}

/** A real browser with one page, asked over a pipe (the DevTools protocol). */
export class Browser {
  readonly #process: ChildProcess;
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  #said = '';
  #last = 0;
  #session = '';

  private constructor(folder: string, more: readonly string[]) {
    const stdio: StdioOptions = ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'];
    this.#process = startChromium(folder, ['--remote-debugging-pipe', ...more, 'about:blank'], stdio);
    this.#process.on('exit', () => {
      for (const answer of this.#waiting.values()) answer({ error: 'the browser has ended' });
    });
    (this.#process.stdio[4] as Readable).setEncoding('utf8').on('data', (text: string) => this.#take(text));
  }

  /** `more`: further arguments of the browser. */
  static async open(url: string, folder: string, more: readonly string[] = []): Promise<Browser> {
    const browser = new Browser(folder, more);
    try {
      await browser.#show(url);
      return browser;
    } catch (error) {
      await browser.close();
      throw error;
    }
  }

  async #show(url: string): Promise<void> {
    const { targetId } = await this.#send<{ targetId: string }>('Target.createTarget', { url });
    const asked = { targetId, flatten: true };
    this.#session = (await this.#send<{ sessionId: string }>('Target.attachToTarget', asked)).sessionId;
    // The page that was there before is asked too, and is complete; what is asked while it goes gets no answer.
    const isThere = `location.href !== 'about:blank' && document.readyState === 'complete'`;
    const later = `new Promise((done) => setTimeout(() => done(${isThere}), 10))`;
    for (let tries = 0; tries < 3000; tries++) if (await this.run<boolean>(later).catch(() => false)) return;
    throw new Error(`${url} was not shown`);
  }

  /** What an expression comes to in the page, promises waited for. */
  async run<T>(expression: string): Promise<T> {
    const asked = { expression, awaitPromise: true, returnByValue: true };
    const { result, exceptionDetails } = await this.#send<Evaluated<T>>('Runtime.evaluate', asked);
    if (exceptionDetails !== undefined) throw new Error(JSON.stringify(exceptionDetails));
    return result.value;
  }

  async close(): Promise<void> {
    if (this.#process.pid === undefined || this.#process.exitCode !== null) return;
    const ended = once(this.#process, 'exit');
    process.kill(-this.#process.pid, 'SIGKILL');
    await ended;
  }

  #send<T>(method: string, params: object): Promise<T> {
    const id = ++this.#last;
    const session = this.#session === '' ? {} : { sessionId: this.#session };
    (this.#process.stdio[3] as Writable).write(`${JSON.stringify({ id, method, params, ...session })}\0`);
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, ({ result, error }) =>
        error === undefined ? resolve(result as T) : reject(new Error(`${method}: ${JSON.stringify(error)}`)),
      );
    });
  }

  #take(text: string): void {
    const parts = (this.#said + text).split('\0');
    this.#said = parts.pop() ?? '';
    for (const part of parts) {
      const answer = JSON.parse(part) as Answer;
      if (answer.id === undefined) continue;
      this.#waiting.get(answer.id)?.(answer);
      this.#waiting.delete(answer.id);
    }
  }
}

interface Answer {
  readonly id?: number;
  readonly result?: unknown;
  readonly error?: unknown;
}

interface Evaluated<T> {
  readonly result: { readonly value: T };
  readonly exceptionDetails?: object;
}

/** For a flag with which the browser trusts a key, whoever signed its certificate: it cannot trust an authority for one run alone. */
export function keyHashOf(certificate: string): string {
  const key = new X509Certificate(certificate).publicKey.export({ type: 'spki', format: 'der' });
  return createHash('sha256').update(key).digest('base64');
}
