import { packageSources } from '../../scripts/repository.ts';

/**
 * The architecture: which room may import which. A room imports only rooms that stand before it in this table, and each
 * grant is used. A change of this table is a decision, and comes with a record in `docs/adr/`.
 */
export const rooms: Readonly<Record<string, readonly string[]>> = {
  core: [],
  wire: ['core'],
  policy: ['core'],
  redact: ['core'],
  schema: ['core', 'redact'],
  features: ['core', 'policy'],
  // What may be written of a feature.
  'features/keys': ['core', 'schema', 'features'],
  config: ['core', 'redact', 'schema', 'features/keys'],
  record: ['core', 'redact'],
  transport: ['core'],
  limits: ['core'],
  upstream: ['core', 'wire', 'policy'],
  downstream: ['core', 'wire'],
  filters: ['core', 'wire'],
  exchange: ['core', 'redact', 'wire', 'policy'],
  // The part of a feature in a worker.
  'features/worker': ['core', 'wire', 'policy', 'limits', 'upstream', 'filters', 'exchange', 'features'],
  deploy: ['core', 'redact'],
  // Candor's own log among those of other gateways.
  diagnose: ['core', 'explain'],
  // The control plane's: how certificates are obtained and kept. It shares the locks and files of the state folder.
  certificates: ['core', 'redact', 'deploy'],
  // And the encoding of certificates, which tests issue by themselves.
  testing: ['core', 'certificates'],
  system: ['core'],
  discovery: ['core', 'redact', 'policy', 'features'],
  // What belongs together among the failures of a running gateway, and what has caused it.
  incidents: ['core', 'redact', 'discovery', 'deploy', 'features', 'system'],
  // What the programs of applications use over time, and what that costs.
  usage: ['core', 'record', 'deploy', 'features', 'system'],
  // Files of other process managers become configurations.
  adapt: ['redact', 'schema'],
  // The part of a feature in the main thread.
  'features/main': ['core', 'policy', 'record', 'limits', 'discovery', 'deploy', 'features', 'system'],
  // One request from outside, as a gateway would send it: the same dials, parsers and failures.
  probe: ['core', 'wire', 'transport', 'upstream'],
  worker: [
    'core',
    'redact',
    'wire',
    'policy',
    'limits',
    'transport',
    'upstream',
    'downstream',
    'filters',
    'exchange',
    'features/worker',
    'record',
    'system',
  ],
  // The thread of the log, put together.
  logger: ['core', 'record', 'system'],
  // The thread of the store, put together: what is kept of exchanges, and searches.
  store: ['core', 'policy', 'record', 'system'],
  // Messages to people: chats, mail, programs.
  alerts: ['core', 'redact', 'policy', 'deploy'],
  // The thread that exports over OTLP, put together.
  otlp: ['core', 'policy', 'record', 'system'],
  control: [
    'core',
    'redact',
    'schema',
    'config',
    // The normal forms of hosts and paths, by which it explains routes as workers find them.
    'wire',
    'policy',
    'record',
    'limits',
    'transport',
    'upstream',
    'discovery',
    'deploy',
    'features',
    'features/main',
    'certificates',
    'incidents',
    'usage',
    'alerts',
    'system',
  ],
  // The threads by their files alone: see `planes`.
  gateway: ['core', 'control', 'system', 'worker', 'logger', 'store', 'otlp'],
  admin: ['core', 'record', 'deploy', 'control'],
  // The pages, a program for browsers: of the admin API it knows the types of its answers.
  dashboard: ['core', 'diagnose', 'admin'],
  cli: [
    'core',
    'redact',
    'schema',
    'config',
    'record',
    'admin',
    'deploy',
    // The words of features.
    'features',
    'adapt',
    'explain',
    'diagnose',
    'probe',
    'control',
    'gateway',
    'system',
    'testing',
  ],
};

/** The packages in `packages/`, which know nothing of `src/`. Every room may import the one of failures. */
export const workspaces: Readonly<Record<string, readonly string[]>> = {
  failures: [],
  explain: ['failures'],
  client: ['failures', 'explain'],
  kit: [],
};

/** Rooms without anything of Node's: they run in a browser, or in simulated time, unchanged. */
export const roomsWithoutNode: readonly string[] = [
  'failures',
  'explain',
  'client',
  'core',
  'policy',
  'redact',
  'diagnose',
  'dashboard',
];

/** Rooms of which another one may import types alone, because they run elsewhere. */
export const typesAlone: Readonly<Record<string, readonly string[]>> = { dashboard: ['admin'] };

/** npm packages by room; a room that is not here uses none. Each grant is used. */
export const packages: Readonly<Record<string, readonly string[]>> = {
  // The schemas of core/schemas: types come from them by inference, and only readers of configurations and the admin API load them.
  // And the engine of regular expressions, loaded where a configuration has one.
  core: ['zod', 're2js'],
  schema: ['zod'],
  'features/keys': ['zod'],
  // Old hashes of passwords, tokens, and logins, loaded where a configuration has some.
  'features/worker': ['bcryptjs', 'jose', 'openid-client'],
  // The times of jobs and of maintenance, and files of countries, loaded where a configuration has some.
  features: ['croner', 'maxmind'],
  config: ['yaml', 'zod'],
  adapt: ['acorn', 'yaml'],
  // Archives of releases.
  deploy: ['tar'],
  control: ['zod'],
  admin: ['zod'],
  dashboard: ['preact', '@preact/signals', 'uplot'],
  cli: ['@stricli/core'],
  // Its entry for Hono: applications of Hono have it.
  kit: ['@hono/node-server'],
};

export interface Plane {
  readonly room: string;
  /** Rooms of features that run in the plane. */
  readonly features?: readonly string[];
  readonly entries: readonly string[];
}

/**
 * The planes, each on threads of its own, know each other by messages and shared memory alone. Each is reached only from its own
 * entries, and the control plane starts the other threads from their files, which `starter` names.
 */
export const planes: readonly Plane[] = [
  {
    room: 'control',
    features: ['features/main', 'features/keys'],
    entries: ['src/cli/main.ts', 'src/gateway/gateway.ts'],
  },
  { room: 'worker', features: ['features/worker'], entries: ['src/worker/worker-main.ts'] },
  { room: 'logger', entries: ['src/logger/logger-main.ts'] },
  { room: 'store', entries: ['src/store/store-main.ts'] },
  { room: 'otlp', entries: ['src/otlp/otlp-main.ts'] },
];
export const starter = 'src/gateway/gateway.ts';

/** Where a program begins, or what users import: no other file needs to. */
export const entries: readonly string[] = [
  'src/cli/main.ts',
  'src/gateway/gateway.ts',
  'src/testing/testing.ts',
  'src/diagnose/diagnose.ts',
  ...['failures', 'client', 'kit'].flatMap(packageSources),
  // A script writes the client's table of signatures with it.
  'packages/explain/src/whose/answer-signatures.ts',
  // In place of others in bundles for browsers.
  'packages/client/src/no-codes.ts',
  'packages/client/src/no-redirects.ts',
  'src/testing/fault-origin-main.ts',
  // A thread of its own, which `src/cli/read-in-thread.ts` starts.
  'src/cli/configuration-thread.ts',
  // Its test writes and checks docs/reference.md with it.
  'src/config/reference-tables.ts',
  // What the page of the dashboard loads.
  'src/dashboard/page/main.tsx',
];

/** Where the errors of the world become ours, and `error.code` may therefore be read. */
export const errorReaders: readonly string[] = [
  // Errors of axios and got become causes.
  'packages/client/src/adapters/axios.ts',
  'packages/client/src/adapters/got.ts',
  // Errors of the system become failures, states and sentences of ours.
  'src/transport/errno.ts',
  'src/features/files/worker-file.ts',
  'src/features/fastcgi/worker-scripts.ts',
  'src/transport/try-binding.ts',
  // Those of zlib: what a client has sent cannot be decoded.
  'src/filters/decompress-body.ts',
  'src/record/log-files.ts',
  'src/record/log-output.ts',
  'src/store/database.ts',
  'src/otlp/collector.ts',
  'src/logger/syslog-output.ts',
  'src/deploy/system-host.ts',
  'src/deploy/owner-lock.ts',
  'src/deploy/process-identity.ts',
  'src/deploy/own-file.ts',
  'src/deploy/release-job.ts',
  'src/deploy/program-check.ts',
  'src/cli/app-shell.ts',
  'src/deploy/writable.ts',
  'src/deploy/state-folder.ts',
  'src/deploy/release-refusal.ts',
  'src/deploy/release-job.ts',
  'src/deploy/process-identity.ts',
  'src/deploy/program.ts',
  'src/deploy/secret-keys.ts',
  'src/deploy/secret-refusal.ts',
  'src/features/secrets/main-files.ts',
  'src/control/worker-exit.ts',
  'src/control/overlay-store.ts',
  'src/control/tailed-file.ts',
  'src/admin/admin-socket.ts',
  'src/admin/admin-tls.ts',
  'src/admin/dashboard-files.ts',
  'src/admin/listen-tcp.ts',
  'src/cli/admin-client.ts',
  'src/cli/main.ts',
  'src/cli/configuration-read.ts',
  'src/config/host.ts',
  'src/cli/adapt.ts',
  'src/certificates/https-transport.ts',
  'src/alerts/network-error.ts',
  'src/certificates/name-queries.ts',
  'src/certificates/challenge-check.ts',
  'src/certificates/dns-hook.ts',
  'src/certificates/certificate-store.ts',
  'src/testing/raw-client.ts',
  'src/testing/fault-origin-main.ts',
  // Issues of the schema and the reader of documents become configuration errors.
  'src/config/explain-issue.ts',
  'src/config/syntax-errors.ts',
  // A refused command line's own exit code.
  'src/cli/command-line.ts',
  'src/cli/stderr-format.ts',
];
