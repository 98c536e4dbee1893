// Starts processes: other gateways read the configurations that are recommended.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { findPeer, type PeerName } from '../../scripts/peers.ts';
import { repositoryRoot } from '../../scripts/repository.ts';
import * as apacheFailures from '#explain/apache/failures.ts';
import { caddyFixes } from '#explain/caddy/error-line.ts';
import { explain } from '../../src/diagnose/diagnose.ts';
import type { GatewayProduct } from '#explain/finding.ts';
import { judgeEnding } from '#explain/haproxy/termination.ts';
import { keepAliveFix } from '#explain/suspects.ts';
import {
  enlargeHeadBuffer,
  keepApplicationConnected,
  logMore,
  raiseTimeout,
  commonVersion,
  nameInCertificate,
  speakPlainly,
  trustAuthority,
} from '#explain/nginx/fixes.ts';
import { certificateAuthority } from '../../src/testing/certificates.ts';
import { readLineCases, textOf } from './corpus.ts';

// A directive that does not exist is worse than no advice. The gateways themselves check the lines that fixes recommend,
// without serving the configuration.

interface Checker {
  readonly gateway: GatewayProduct;
  readonly peer: PeerName;
  /** Recommended lines that are not for the gateway's configuration: commands, and settings of other programs. */
  readonly elsewhere: RegExp;
  /** Settings that the distribution's program does not have: too new, or of a separate module. */
  readonly notHere?: RegExp;
  /** Configurations that contain all snippets, each where it belongs. */
  configurations(snippets: readonly string[], program: string): readonly string[];
  args(file: string): readonly string[];
}

/**
 * nginx creates these folders even to test a configuration, by default below /var/lib/nginx, which exists only if nginx
 * is installed.
 */
const temporaryPaths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  .map((kind) => `${kind}_temp_path ${kind};`)
  .join(' ');

const nginx: Checker = {
  gateway: 'nginx',
  peer: 'nginx',
  elsewhere: /^(?:sysctl|setsebool|nginx -T|ss |kubectl|listen\.|pm\.|[a-z]{2,3}="\$)/,
  notHere: /^proxy_(?:timeout|ssl) /,
  configurations(snippets) {
    const ofMain = snippets.filter((lines) => /^(?:worker_|error_log)/.test(lines));
    const ofHttp = snippets.filter((lines) => !ofMain.includes(lines)).map(placeInHttp);
    const rest = `events {} http { ${temporaryPaths} limit_req_zone $host zone=NAME:1m rate=1r/s; limit_conn_zone $host zone=CONN:1m; ${ofHttp.join('\n')} }`;
    return [...ofMain.map((lines) => (lines.includes('events {') ? lines : `${lines} events {}`)), rest].map((text) =>
      `pid nginx.pid; error_log stderr; ${text}`
        .replaceAll('HOST:PORT', '127.0.0.1:80')
        .replaceAll('/var/log/nginx/', '')
        .replace(/\/etc\/ssl\/\S+\.crt/g, 'authority.pem')
        .replace('error_log stderr; error_log', 'error_log'),
    );
  },
  args: (file) => ['-t', '-p', dirname(file), '-c', file, '-e', 'stderr'],
};

function placeInHttp(lines: string, index: number): string {
  if (lines.startsWith('log_format ')) return lines;
  if (lines.startsWith('upstream ')) return lines.replace('NAME', `name${index}`);
  if (lines.startsWith('server ')) return `upstream servers${index} { ${lines} }`;
  return `server { location / { ${lines.replace('limit_conn NAME', 'limit_conn CONN')} } }`;
}

const haproxy: Checker = {
  gateway: 'haproxy',
  peer: 'haproxy',
  elsewhere: /^(?:echo|sysctl) /,
  configurations: (snippets) => [
    [
      'defaults\n  mode http\n  timeout connect 1s\n  timeout server 1s\n  timeout client 1s',
      'frontend all\n  bind 127.0.0.1:9\n  default_backend app\nbackend app\n  server one 127.0.0.1:80',
      ...snippets.map((lines, index) =>
        lines.startsWith('server ')
          ? `backend servers${index}\n  ${lines}`
          : lines
              .replace(/^(backend|frontend) (\w+)/, `$1 $2${index}`)
              .replace(/^frontend \w+/, '$&\n  bind 127.0.0.1:9'),
      ),
      '',
    ].join('\n'),
  ],
  args: (file) => ['-c', '-f', file],
};

const apacheModules = [
  ...['mpm_event', 'authz_core', 'authz_host', 'proxy', 'proxy_http', 'proxy_fcgi', 'slotmem_shm', 'proxy_balancer'],
  ...['socache_shmcb', 'ssl'],
];

const apache: Checker = {
  gateway: 'apache',
  peer: 'apache2',
  elsewhere: /^(?:LimitNOFILE|a2enmod|curl|getent|ip |setsebool|sysctl)/,
  configurations: (snippets, program) => [
    [
      ...apacheModules.map((name) => `LoadModule ${name}_module ${modulesBeside(program)}/mod_${name}.so`),
      'ServerName localhost\nDefaultRuntimeDir .\nErrorLog error.log\nListen 127.0.0.1:9',
      ...snippets.map(placeInApache),
      '',
    ].join('\n'),
  ],
  args: (file) => ['-t', '-d', dirname(file), '-f', file],
};

function placeInApache(lines: string): string {
  if (lines.startsWith('BalancerMember')) return `<Proxy "balancer://app">\n${lines}\n</Proxy>`;
  const given = lines.replace(/\/etc\/ssl\/\S+\.pem/, 'authority.pem');
  return `<VirtualHost *:9>\n${lines.startsWith('Require ') ? `<Location "/">\n${given}\n</Location>` : given}\n</VirtualHost>`;
}

const modulesBeside = (program: string): string => join(dirname(program), '..', 'lib', 'apache2', 'modules');

const caddy: Checker = {
  gateway: 'caddy',
  peer: 'caddy',
  elsewhere: /^(?:sysctl|\[Service\]|LimitNOFILE)/,
  // Debian's is 2.6; this came with 2.8.
  notHere: /tls_trust_pool/,
  configurations: (snippets) => [
    [
      ...snippets.filter((lines) => lines.startsWith('{')),
      ...snippets.filter((lines) => !lines.startsWith('{')).map((lines, index) => `:${1000 + index} {\n${lines}\n}`),
      '',
    ].join('\n'),
  ],
  args: (file) => ['adapt', '--adapter', 'caddyfile', '--config', file],
};

const snippetsOf = new Map<string, Set<string>>();

function add(gateway: string, snippet: string | null | undefined): void {
  if (snippet === null || snippet === undefined) return;
  const known = snippetsOf.get(gateway) ?? new Set();
  snippetsOf.set(gateway, known.add(snippet));
}

function addExplained(log: string, logFormat?: string): void {
  for (const finding of explain(log, logFormat === undefined ? {} : { logFormat }).lines)
    if (finding !== null) add(finding.gateway, finding.fix?.snippet);
}

function addNginx(): void {
  for (const module of ['proxy', 'fastcgi', 'uwsgi', 'scgi', 'grpc', 'memcached']) {
    for (const isStream of module === 'proxy' ? [false, true] : [false]) {
      const place = { product: 'nginx', module, isStream } as const;
      for (const which of ['connect', 'send', 'read'] as const) add('nginx', raiseTimeout(which, place).snippet);
      if (!isStream) add('nginx', enlargeHeadBuffer(place).snippet);
      add('nginx', keepApplicationConnected(place).snippet);
      for (const how of [nameInCertificate, trustAuthority, commonVersion, speakPlainly])
        add('nginx', how(place).snippet);
    }
  }
  add('nginx', logMore('nginx', new Set()).snippet);
}

function addHaproxy(): void {
  for (const cause of '-CcSsPLRIDUK')
    for (const phase of 'RQCHDLT-')
      for (const status of [null, -1, 200, 400, 500, 502, 503])
        for (const server of ['one', '<NOSRV>']) {
          const ending = { code: `${cause}${phase}`, status, server, frontend: 'web', backend: 'app' };
          for (const responseMs of [-1, 5])
            add('haproxy', judgeEnding({ ...ending, connectMs: 1, responseMs }).fix?.snippet);
        }
}

function collect(): void {
  for (const one of readLineCases('dev')) addExplained(textOf(one), one.logFormat);
  for (const page of ['nginx', 'apache', 'haproxy', 'caddy'])
    addExplained(readFileSync(join(repositoryRoot, 'docs', 'explain', `${page}.md`), 'utf8'));
  for (const fix of Object.values(caddyFixes)) add('caddy', fix.snippet);
  for (const failure of Object.values(apacheFailures)) add('apache', failure.fix?.snippet);
  for (const { gateway } of checkers) add(gateway, keepAliveFix(gateway).snippet);
  addNginx();
  addHaproxy();
}

const checkers: readonly Checker[] = [nginx, haproxy, apache, caddy];

describe('the lines that a fix recommends', () => {
  let folder = '';

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'candor-fixes-'));
    mkdirSync(join(folder, 'logs'));
    writeFileSync(
      join(folder, 'authority.pem'),
      certificateAuthority(Date.parse('2026-01-15T12:00:00Z'), 'Authority').certificate,
    );
    collect();
  });

  after(() => rmSync(folder, { recursive: true, force: true }));

  for (const checker of checkers) {
    test(`are accepted by ${checker.gateway}`, (t) => {
      const found = findPeer(checker.peer);
      if ('missing' in found) return t.skip(found.missing);
      const { elsewhere, notHere } = checker;
      const snippets = [...(snippetsOf.get(checker.gateway) ?? [])]
        .map((snippet) => linesWithout(elsewhere, snippet))
        .filter((lines) => lines !== '' && notHere?.test(lines) !== true);
      assert.ok(snippets.length > 5, `only ${snippets.length} snippets to check`);
      for (const text of checker.configurations(snippets, found.path)) {
        const file = join(folder, 'checked.conf');
        writeFileSync(file, text);
        const said = complaintOf(found, checker.args(file), folder);
        assert.equal(said, null, `${said}\n${text}`);
      }
    });
  }
});

function linesWithout(elsewhere: RegExp, snippet: string): string {
  return snippet
    .split('\n')
    .filter((line) => !elsewhere.test(line))
    .join('\n');
}

/** Null if the program accepts the configuration. */
function complaintOf(
  { path, env }: { readonly path: string; readonly env: Readonly<Record<string, string>> },
  args: readonly string[],
  cwd: string,
): string | null {
  const run = spawnSync(path, args, { cwd, env: { ...process.env, ...env }, encoding: 'utf8' });
  return run.status === 0 ? null : `${run.stderr}${run.stdout}`;
}
