import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parse } from 'yaml';

// Configurations as the documents of nginx and Caddy show them, each beside the same for Candor. Their addresses are
// those below, which a run replaces by its own.

export interface ComparedRequest {
  readonly path: string;
  readonly status: number;
  readonly host?: string;
  readonly method?: string;
  readonly send?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly bodySize?: number;
  /** What must be the same; `all` if absent. `head`: no body; `status`: no headers either. */
  readonly compare?: 'all' | 'head' | 'status';
  /** Why the answers are different where that is meant. */
  readonly differs?: string;
}

export interface ConfigurationCase {
  /** `nginx/gzip`: the folder of its files. */
  readonly name: string;
  readonly peer: 'nginx' | 'caddy';
  /** The configuration of the other gateway. */
  readonly text: string;
  /** Null while there is none. */
  readonly candor: string | null;
  readonly what: string;
  /** The page that shows it. */
  readonly from: string;
  /** Headers of answers that are compared. */
  readonly headers: readonly string[];
  /** The file of the access log, whose lines are compared. */
  readonly log: string | null;
  readonly requests: readonly ComparedRequest[];
}

const folder = import.meta.dirname;
export const servedFolder: string = join(folder, 'www');

export function readCases(): readonly ConfigurationCase[] {
  return globSync('*/*/requests.yaml', { cwd: folder })
    .toSorted()
    .map((path) => readCase(dirname(path)));
}

function readCase(name: string): ConfigurationCase {
  const read = (file: string): string => readFileSync(join(folder, name, file), 'utf8');
  const about = parse(read('requests.yaml')) as Pick<ConfigurationCase, 'what' | 'from' | 'requests'> &
    Partial<Pick<ConfigurationCase, 'headers' | 'log'>>;
  const peer = name.startsWith('nginx/') ? 'nginx' : 'caddy';
  const candor = existsSync(join(folder, name, 'candor.yaml')) ? read('candor.yaml') : null;
  return {
    headers: [],
    log: null,
    ...about,
    name,
    peer,
    candor,
    text: read(peer === 'nginx' ? 'nginx.conf' : 'Caddyfile'),
  };
}

/** Lines that say something: neither empty nor a comment. */
export function linesOf(text: string): number {
  return text.split('\n').filter((line) => /^\s*[^\s#]/.test(line)).length;
}

/** Candor's file may have a third more lines than the other one. */
export function isShortEnough({ text, candor }: ConfigurationCase): boolean {
  return candor === null || 3 * linesOf(candor) <= 4 * linesOf(text);
}

/** The addresses and folders of one run. */
interface RunPlaces {
  /** Of the gateway. */
  readonly port: number;
  /** By the port that the files name. */
  readonly applications: Readonly<Record<string, number>>;
  readonly logFolder: string;
}

export type Side = 'nginx' | 'caddy' | 'candor';

/** What the program gets to read. */
export function runnableText(side: Side, shown: string, places: RunPlaces): string {
  const text = shown
    .replaceAll(/localhost:(9000|9001|6001)/g, (_, port: string) => `127.0.0.1:${places.applications[port]}`)
    .replaceAll('/srv/www', servedFolder)
    .replaceAll('/srv/log', places.logFolder);
  return runnable[side](text, places);
}

const runnable: Readonly<Record<Side, (text: string, places: RunPlaces) => string>> = {
  nginx: (text, { port, logFolder }) => `${process.getuid?.() === 0 ? 'user root;' : ''}
daemon off;
pid ${logFolder}/nginx.pid;
error_log stderr error;
events {}
http {
  access_log off;
  default_type application/octet-stream;
  types { text/html html; text/plain txt; text/javascript js; image/gif gif; application/pdf pdf; }
${bodyPaths.map((name) => `  ${name}_temp_path ${logFolder}/${name};`).join('\n')}
${text.replaceAll(/(listen\s+)80;/g, `$1127.0.0.1:${port};`).replaceAll(/include\s+fastcgi_params;/g, fastcgiParameters)}
}
`,
  caddy: (text, { port }) =>
    `{\n\tadmin off\n\tauto_https off\n\torder redir before rewrite\n}\n${text.replaceAll(/^([\w.-]+\.com) \{$/gm, `http://$1:${port} {\n\tbind 127.0.0.1`)}`,
  candor: (text, { port }) =>
    `${text}\nlisteners: { http: "127.0.0.1:${port}" }\nadmin: { socket: none }\n${/^log:/m.test(text) ? '' : 'log: { path: none }\n'}`,
};

const bodyPaths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'] as const;

/** The file of this name that nginx brings, as far as the answers show it. */
const fastcgiParameters = `fastcgi_param QUERY_STRING $query_string;
        fastcgi_param REQUEST_METHOD $request_method;
        fastcgi_param CONTENT_TYPE $content_type;
        fastcgi_param CONTENT_LENGTH $content_length;
        fastcgi_param SCRIPT_NAME $fastcgi_script_name;
        fastcgi_param REQUEST_URI $request_uri;`;
