/**
 * The architecture: which room may know which. Knowledge points towards `core`.
 * A change of this table is a decision, and comes with a record in `docs/adr/`.
 */
export const rooms: Readonly<Record<string, readonly string[]>> = {
  core: [],
  wire: ['core'],
  policy: ['core'],
  config: ['core'],
  record: ['core'],
  transport: ['core'],
  places: ['core'],
  upstream: ['core', 'wire', 'policy'],
  downstream: ['core', 'wire'],
  exchange: ['core', 'wire', 'policy'],
  deploy: ['core', 'policy'],
  diagnose: ['core'],
  probe: ['core', 'wire', 'diagnose'],
  fleet: ['core', 'config'],
  testing: ['core', 'wire'],
  gateway: [
    'core',
    'wire',
    'policy',
    'config',
    'record',
    'transport',
    'places',
    'upstream',
    'downstream',
    'exchange',
    'deploy',
    'diagnose',
    'probe',
    'fleet',
  ],
  admin: ['core', 'record', 'diagnose', 'deploy', 'gateway'],
  cli: ['core', 'config', 'record', 'admin', 'deploy', 'diagnose', 'probe', 'fleet', 'gateway', 'testing'],
  dashboard: ['core', 'admin'],
  client: ['core', 'policy'],
  'server-kit': ['core'],
};

/** Rooms without anything of Node's: they run in a browser, or in simulated time, unchanged. */
export const roomsWithoutNode: readonly string[] = ['core', 'policy', 'diagnose', 'client', 'dashboard'];

/** Where a program begins, or what users import: nobody else needs to. */
export const entries: readonly string[] = [
  'src/cli/main.ts',
  'src/gateway/gateway.ts',
  'src/testing/testing.ts',
  'src/diagnose/diagnose.ts',
  'src/testing/fault-origin-main.ts',
  // Its test writes and checks docs/configuration.md with it.
  'src/config/reference-tables.ts',
];

/** Where the errors of the world become ours, and `error.code` may therefore be read. */
export const errorReaders: readonly string[] = [
  // Errors of the system become failures, states and sentences of ours.
  'src/transport/errno.ts',
  'src/record/log-files.ts',
  'src/record/log-output.ts',
  'src/deploy/free-ports.ts',
  'src/deploy/owner-lock.ts',
  'src/deploy/process-identity.ts',
  'src/deploy/read-own-file.ts',
  'src/deploy/writable.ts',
  'src/deploy/state-folder.ts',
  'src/deploy/process-group.ts',
  'src/deploy/program.ts',
  'src/deploy/readiness.ts',
  'src/gateway/thread-end.ts',
  'src/admin/socket-file.ts',
  'src/admin/listen-tcp.ts',
  'src/cli/admin-client.ts',
  'src/cli/next-port.ts',
  'src/cli/standard-output.ts',
  'src/cli/read-input.ts',
  'src/config/host.ts',
  'src/testing/raw-client.ts',
  'src/testing/fault-origin-main.ts',
  // Objections of the schema and the reader of documents become complaints.
  'src/config/explain-issue.ts',
  'src/config/syntax-complaints.ts',
  // A refused command line's own exit code.
  'src/cli/commands.ts',
  'src/cli/one-format.ts',
];
