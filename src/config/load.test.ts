import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { after, describe, test } from 'node:test';
import { configurationForCommand } from './command.ts';
import { renderConfigurationErrors } from './configuration-errors.ts';
import { certificateAuthority } from '../testing/certificates.ts';
import { thisHost } from './host.ts';
import { loadConfiguration } from './load.ts';

const folder = mkdtempSync(join(tmpdir(), 'candor-config-'));
after(() => rmSync(folder, { recursive: true, force: true }));

function write(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

async function said(path: string): Promise<string> {
  const loading = await loadConfiguration(path, {}, thisHost());
  assert.ok(!loading.ok);
  const errors = loading.errors.map((error) => ({
    ...error,
    file: basename(path),
    message: error.message.replaceAll(folder, '/etc'),
  }));
  return renderConfigurationErrors(errors, loading.maskedText(), { colour: false, width: 80 });
}

describe('a configuration that cannot be read', () => {
  const cases: [what: string, make: () => string, expected: string][] = [
    [
      'is not there, and a name like it is',
      () => (write('candor.yaml', ''), join(folder, 'candor.yml')),
      'candor.yml: error: there is no file "candor.yml" in "/etc"\n  did you mean "candor.yaml"?\n',
    ],
    [
      'is not there, and another is',
      () => join(folder, 'gateway.conf'),
      'gateway.conf: error: there is no file "gateway.conf" in "/etc"\n',
    ],
    [
      'is not there, nor is any other',
      () => (mkdirSync(join(folder, 'empty')), join(folder, 'empty', 'candor.yaml')),
      'candor.yaml: error: there is no file "candor.yaml" in "/etc/empty"\n',
    ],
    [
      'is in a folder that is not there',
      () => join(folder, 'none', 'candor.yaml'),
      'candor.yaml: error: there is no folder "/etc/none"\n',
    ],
    [
      'is a folder',
      () => (mkdirSync(join(folder, 'conf')), join(folder, 'conf')),
      'conf: error: "conf" is a folder, not a file\n  name the file in it\n',
    ],
    [
      'is not UTF-8',
      () => write('latin1.yaml', Buffer.from('deployment: caf\xe9', 'latin1')),
      'latin1.yaml: error: "latin1.yaml" is not UTF-8 text\n  save it as UTF-8\n',
    ],
    [
      'is UTF-16',
      () => write('utf16.yaml', Buffer.from('\ufeffdeployment: shop', 'utf16le')),
      'utf16.yaml: error: "utf16.yaml" is not UTF-8 text\n  it looks like UTF-16; save it as UTF-8\n',
    ],
    [
      'is larger than 1 MiB',
      () => write('large.yaml', `# ${'x'.repeat(1024 * 1024)}`),
      'large.yaml: error: "large.yaml" is larger than a configuration may be, 1024 KiB\n',
    ],
    [
      'is a device without an end',
      () => '/dev/zero',
      'zero: error: "zero" is larger than a configuration may be, 1024 KiB\n',
    ],
    [
      'is empty',
      () => write('empty.yaml', ''),
      'empty.yaml: error: the file is empty\n  begin with: upstreams: { app: "127.0.0.1:3000" }; or for a folder of files:\n  routes: [{ files: ./public }]\n',
    ],
    [
      'has a control character',
      () => write('nul.yaml', 'a: "\0"\n'),
      'nul.yaml:1:5: error: the control character U+0000 cannot stand in YAML\n   1 | a: "␀"\n     |     ^\n       remove it; in double quotes it can be written as \\u0000\n',
    ],
  ];
  for (const [what, make, expected] of cases)
    test(`${what}: says so`, async () => assert.equal(await said(make()), expected));

  test('is not there: the YAML files beside it are known to commands', async () => {
    write('candor.yaml', '');
    const besides = async (name: string) => {
      const loading = await loadConfiguration(join(folder, name), {}, thisHost());
      return loading.ok ? null : loading.yamlBeside;
    };
    assert.ok((await besides('gateway.conf'))?.includes('candor.yaml'));
    assert.deepEqual(await besides('none/candor.yaml'), []);
    assert.ok((await besides('candor.yml'))?.includes('candor.yaml'));
  });

  test('may not be read: says so', async (context) => {
    const path = write('secret.yaml', 'a: b');
    chmodSync(path, 0);
    // Root may read everything, so that root becomes another user for this test.
    if (process.geteuid?.() === 0) {
      process.seteuid?.(65_534);
      context.after(() => process.seteuid?.(0));
    }
    assert.equal(
      await said(path),
      'secret.yaml: error: "secret.yaml" may not be read by this user\n  let this user read it, and enter the folders above it\n',
    );
  });
});

describe('a configuration that names files', () => {
  test('has them in it', async () => {
    write('502.html', '<h1>{{status}}</h1>');
    write('all.html', '<h1>Sorry</h1>');
    const { certificate } = certificateAuthority(Date.now());
    write('ca.pem', certificate);
    const path = write(
      'pages.yaml',
      'upstreams: { app: { endpoints: "https://a", tls: { ca_file: ca.pem } } }\nerror_pages: { 502: all.html, default: all.html }\nroutes: [{ to: app, error_pages: { 502: 502.html } }]\n',
    );
    const loading = await loadConfiguration(path, {}, thisHost());
    assert.ok(loading.ok);
    assert.deepEqual(loading.configuration.routes[0]?.errorPages, {
      502: '<h1>{{status}}</h1>',
      default: '<h1>Sorry</h1>',
    });
    assert.equal(loading.configuration.upstreams[0]?.tls?.ca, certificate);
    assert.deepEqual(
      loading.files.map((file) => basename(file)),
      ['pages.yaml', 'all.html', '502.html', 'ca.pem'],
    );
  });

  test('refuses a page that is too large to be sent to everybody', async () => {
    write('huge.html', 'x'.repeat(256 * 1024 + 1));
    const path = write('huge.yaml', 'upstreams: { app: "a:1" }\nerror_pages: { 502: huge.html }\n');
    assert.match(
      await said(path),
      /^huge\.yaml:2:21: error: "huge\.html" is larger than an error page may be, 256 KiB\n/,
    );
  });
});

describe('a configuration that names a program', () => {
  const loadWith = (hook: string, PATH: string): ReturnType<typeof loadConfiguration> => {
    const text = `listeners: { https: { bind: ":443", tls: { auto: { dns_hook: ${hook} } } } }
routes: [{ host: shop.example.org, respond: { body: here } }]
`;
    return loadConfiguration(write('hook.yaml', text), { PATH }, thisHost());
  };

  test('runs it from where the configuration is, and does not read it', async () => {
    const program = write('set-record', '#!/bin/sh\n');
    const refused = await loadWith('[./set-record, "a b"]', '');
    assert.ok(!refused.ok);
    assert.match(refused.errors[0]?.message ?? '', /^"set-record" may not be executed by this user$/);
    chmodSync(program, 0o755);
    const loading = await loadWith('[./set-record, "a b"]', '');
    assert.ok(loading.ok, JSON.stringify(loading));
    assert.deepEqual(loading.warnings, []);
    assert.ok(!loading.files.includes(program));
    const automatic = loading.configuration.listeners[0]?.tls?.automatic;
    assert.deepEqual(automatic?.kind === 'acme' && automatic.dnsHook, [program, 'a b']);
  });

  test('finds one without a folder in PATH, and warns where it is not there', async () => {
    chmodSync(write('set-record', '#!/bin/sh\n'), 0o755);
    const found = await loadWith('set-record', `/nowhere:${folder}`);
    assert.ok(found.ok);
    assert.deepEqual(found.warnings, []);
    const missing = await loadWith('set-record', '/nowhere');
    assert.ok(missing.ok);
    assert.deepEqual(
      missing.warnings.map(({ message }) => message),
      ['no folder of PATH has a program "set-record"'],
    );
  });
});

describe('a configuration whose log goes to the syslogd of this machine', () => {
  const host = thisHost();

  const cases: readonly (readonly [what: string, syslog: string, has: boolean, socket: string, said: RegExp | null])[] =
    [
      ['is accepted where both are', 'logger', true, 'ENXIO', null],
      [
        'is refused without the program',
        'logger',
        false,
        'ENXIO',
        /1:16: error: no folder of PATH has a program "logger"\n[^]*install it/,
      ],
      [
        'is accepted with a warning without its socket',
        '{ to: logger }',
        true,
        'ENOENT',
        /1:22: warning: there is no socket \/dev\/log, so no syslogd runs here/,
      ],
      [
        'is refused with a facility that the program has not',
        '{ to: logger, facility: ntp }',
        true,
        'ENXIO',
        /1:40: error: the program "logger" cannot send messages of the facility "ntp"/,
      ],
    ];
  for (const [what, syslog, has, socket, expected] of cases)
    test(what, async () => {
      chmodSync(write('logger', '#!/bin/sh\n'), 0o755);
      const path = write('log.yaml', `log: { syslog: ${syslog} }\nroutes: [{ respond: { body: here } }]\n`);
      const loading = await loadConfiguration(
        path,
        { PATH: has ? folder : '/nowhere' },
        {
          ...host,
          readFile: (file, bytesMax) =>
            file === '/dev/log' ? Promise.resolve({ ok: false, why: socket }) : host.readFile(file, bytesMax),
        },
      );
      const all = loading.ok ? loading.warnings : loading.errors;
      const words = renderConfigurationErrors(all, loading.maskedText(), { colour: false, width: 120 });
      if (expected === null) assert.equal(words, '');
      else assert.match(words, expected);
    });
});

test('a page with more placeholders than anybody reads is refused, with words', async () => {
  write('busy.html', '{{detail}} '.repeat(65));
  write('full.html', '{{detail}} {{unknown}} '.repeat(64));
  const path = write('busy.yaml', 'upstreams: { app: "a:1" }\nerror_pages: { 502: full.html, 503: busy.html }\n');
  const errors = await said(path);
  assert.match(errors, /busy\.yaml:2:37: error: "busy\.html" has more than 64 placeholders such as\s+\{\{detail\}\}\n/);
  assert.equal(errors.match(/: error: /g)?.length, 1, 'what is no placeholder does not count');
});

describe('configurationForCommand', () => {
  const run = {
    command: ['node', 'server.js'],
    port: 8080,
    directory: '/srv/shop',
    hostname: 'laptop',
    environment: {},
  };

  test('runs one application behind one listener on this machine', () => {
    const configuration = configurationForCommand(run);
    assert.deepEqual(configuration.listeners, [
      { id: 'http', host: '127.0.0.1', port: 8080, proxyProtocol: false, http2: true, tls: null },
    ]);
    assert.deepEqual(
      configuration.applications.map(({ id, command, directory, port }) => ({ id, command, directory, port })),
      [{ id: 'app', command: ['node', 'server.js'], directory: '/srv/shop', port: null }],
    );
    assert.deepEqual(
      configuration.routes.map(({ id, action, disclosure }) => ({ id, action, disclosure })),
      [{ id: '/', action: { kind: 'upstream', upstream: 'app' }, disclosure: 'operator' }],
    );
    assert.equal(configuration.log.path, null);
    assert.deepEqual(structuredClone(configuration), configuration);
  });

  test('has its admin socket apart from others on the same machine', () => {
    const environment = { XDG_RUNTIME_DIR: '/run/user/1000' };
    assert.equal(
      configurationForCommand({ ...run, environment }).admin.socket,
      '/run/user/1000/candor/laptop-8080.sock',
    );
    assert.equal(configurationForCommand({ ...run, adminSocket: null }).admin.socket, null);
  });

  test('takes what the command line says', () => {
    const configuration = configurationForCommand({
      ...run,
      bind: '0.0.0.0',
      deployment: 'shop',
      name: 'web',
      readinessPath: '/up',
      instances: 2,
      logPath: '-',
    });
    assert.equal(configuration.deployment, 'shop');
    assert.equal(configuration.listeners[0]?.host, '0.0.0.0');
    assert.equal(configuration.applications[0]?.readiness.path, '/up');
    assert.equal(configuration.applications[0]?.instances, 2);
    assert.equal(configuration.upstreams[0]?.application, 'web');
    assert.equal(configuration.log.path, '-');
    assert.equal(configurationForCommand({ ...run, applicationPort: 3000 }).applications[0]?.port, 3000);
  });
});

describe('what is a folder where a file is needed, or a file where a folder is', () => {
  const listener = 'listeners: { http: "127.0.0.1:8080" }\n';
  const saidOf = async (text: string) => {
    const loading = await loadConfiguration(
      write('kinds.yaml', listener + text),
      { PATH: dirname(process.execPath) },
      thisHost(),
    );
    return [...(loading.ok ? loading.warnings : loading.errors)]
      .filter(({ message }) => /folder/.test(message))
      .map(({ severity, message, suggestion }) => `${severity}: ${message}: ${suggestion}`);
  };
  mkdirSync(join(folder, 'kind'));
  write('kind.txt', '');
  const app = (rest: string): string => `applications: { web: { command: node app.mjs, ${rest} } }\n`;
  const isFolder = ['error: "kind" is a folder, not a file: name the file in it'];
  for (const [what, text, expected] of [
    ['a log of an application', app('logs: [./kind, ./later.log]'), isFolder],
    ['a log of an upstream', 'upstreams: { api: { endpoints: ["127.0.0.1:1"], logs: [./kind] } }\n', isFolder],
    [
      'the folder of an application',
      app('directory: ./kind.txt'),
      ['error: "kind.txt" is a file, and no folder: write the path of a folder'],
    ],
    [
      'the state folder',
      `${app('port: 4000')}state: ./kind.txt\n`,
      ['warning: "kind.txt" is a file, and no folder: write the path of a folder; it is made if there is none'],
    ],
    ['nothing of these', `${app('directory: ./kind, logs: [./kind.txt]')}state: ./kind\n`, []],
  ] as const)
    test(`is said of ${what}`, async () => assert.deepEqual(await saidOf(text), expected));
});

describe('a command', () => {
  for (const [what, text, expected] of [
    [
      'in one entry of a list',
      'applications: { web: { command: [node app.mjs] } }',
      /write \[node, app\.mjs\], or the command without brackets/,
    ],
    [
      'in place of an application',
      'applications: { web: [node, app.mjs] }',
      /write \{ command: \["node","app\.mjs"\] \}/,
    ],
    [
      'in place of a target of alerts',
      'alerts: { targets: { me: { command: [tee, -a] } } }',
      /write command: \{ run: \["tee","-a"\] \}/,
    ],
  ] as const)
    test(`${what} gets the form that is accepted`, async () => {
      const path = write('command.yaml', `listeners: { http: "127.0.0.1:8080" }\n${text}\n`);
      const loading = await loadConfiguration(path, {}, thisHost());
      const all = loading.ok ? loading.warnings : loading.errors;
      assert.match(all.map(({ suggestion }) => suggestion).join('\n'), expected);
    });
});

test('a host that the certificate of the local CA is not for is warned of', async () => {
  const state = join(folder, 'state', 'certificates');
  mkdirSync(state, { recursive: true });
  const warningsFor = async (madeFor: string | null): Promise<readonly string[]> => {
    if (madeFor !== null) writeFileSync(join(state, 'local-ca.json'), madeFor);
    const listener = 'listeners: { https: { bind: ":8443", tls: internal } }';
    const routes = 'routes: [{ host: [a.internal, b.internal, c.localhost], respond: { status: 204 } }]';
    const loading = await loadConfiguration(write('ca.yaml', `${listener}\nstate: state\n${routes}\n`), {}, thisHost());
    assert.ok(loading.ok);
    assert.ok(!loading.files.some((path) => path.endsWith('local-ca.json')));
    return loading.warnings.map(({ message }) => message).filter((message) => message.includes('local CA'));
  };
  assert.deepEqual(await warningsFor(null), []);
  assert.deepEqual(await warningsFor('{ "hosts": ["a.internal", "b.internal", "dev.localhost"] }'), []);
  assert.deepEqual(await warningsFor('not JSON'), []);
  const [warning = ''] = await warningsFor('{ "hosts": ["a.internal", "x.localhost"] }');
  assert.match(
    warning,
    /^the certificate of the local CA is not for b\.internal: clients that trust it refuse that host/,
  );
});
