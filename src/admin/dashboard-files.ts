import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { extname, join } from 'node:path';
import { sendProblem } from './answer.ts';

/** What the page may load and ask: this origin, and nothing that is written into the page itself. */
const pagePolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const types: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.ico': 'image/x-icon',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain; charset=utf-8',
  '.webp': 'image/webp',
  '.woff2': 'font/woff2',
};

/** A file name without folders, and not hidden. */
const namePattern = /^\w[\w-]*(?:\.[\w-]+)+$/;
/** With a hash of the content in its name a file never changes. */
const hashedPattern = /-[\w-]{8,}\.\w+$/;

/** Serves the files of the dashboard as they were built: `index.html`, and `assets/` with a `.gz` beside files that it makes smaller. */
export class DashboardFiles {
  readonly #folder: string;
  readonly #read: typeof readBody;

  constructor(folder: string, read: typeof readBody = readBody) {
    this.#folder = folder;
    this.#read = read;
  }

  async sendPage(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.setHeader('Content-Security-Policy', pagePolicy);
    // HTML, "cross-origin opener policies": a page that opens this one gets no reference to its window.
    response.setHeader('Cross-Origin-Opener-Policy', 'same-origin');
    if (await this.#send('index.html', 'no-cache', request, response)) return;
    sendProblem(
      response,
      503,
      'The files of the dashboard are missing: install Candor again, or build it (`npm run dashboard`).',
    );
  }

  async sendAsset(name: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const caching = hashedPattern.test(name) ? 'public, max-age=31536000, immutable' : 'no-cache';
    const isKnown = namePattern.test(name) && extname(name) in types;
    if (isKnown && (await this.#send(join('assets', name), caching, request, response))) return;
    sendProblem(response, 404, 'The dashboard has no such file.');
  }

  /** False if there is no such file. If it cannot be opened for want of a descriptor, the response says so. */
  async #send(name: string, caching: string, request: IncomingMessage, response: ServerResponse): Promise<boolean> {
    const path = join(this.#folder, name);
    const packed = acceptsGzip(request) ? await this.#read(`${path}.gz`) : 'missing';
    const content = packed === 'missing' ? await this.#read(path) : packed;
    if (content === 'missing') return false;
    if (typeof content === 'string') {
      sendProblem(response, 503, `${noDescriptor[content]}: this file cannot be read now. Ask again.`);
      return true;
    }
    const etag = `"${createHash('sha256').update(content).digest('base64url').slice(0, 22)}"`;
    response.setHeader('Cache-Control', caching);
    response.setHeader('ETag', etag);
    response.setHeader('Vary', 'Accept-Encoding');
    if (request.headers['if-none-match'] === etag) {
      response.writeHead(304).end();
      return true;
    }
    if (packed === content) response.setHeader('Content-Encoding', 'gzip');
    response.writeHead(200, { 'Content-Type': types[extname(name)], 'Content-Length': content.length });
    response.end(content);
    return true;
  }
}

/** Browsers write `gzip, deflate, br`; one that refuses it (`gzip;q=0`) gets the plain file. */
function acceptsGzip({ headers }: IncomingMessage): boolean {
  return /(?:^|,)\s*gzip\s*(?:,|$)/i.test(headers['accept-encoding']?.toString() ?? '');
}

const noDescriptor = {
  EMFILE: 'The gateway has no descriptor left (ulimit -n)',
  ENFILE: 'The machine has no descriptor left (sysctl fs.file-max)',
} as const;

/** The content of a file, or why there is none. */
type FileContent = Buffer | 'missing' | keyof typeof noDescriptor;

async function readBody(path: string): Promise<FileContent> {
  try {
    return await readFile(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === 'EMFILE' || code === 'ENFILE' ? code : 'missing';
  }
}
