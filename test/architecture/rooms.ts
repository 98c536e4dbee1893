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
  limits: ['core'],
  upstream: ['core', 'wire', 'policy'],
  downstream: ['core', 'wire'],
  exchange: ['core', 'wire', 'policy'],
  deploy: ['core', 'policy'],
  diagnose: ['core'],
  probe: ['core', 'wire', 'diagnose'],
  fleet: ['core', 'config'],
  testing: ['core', 'wire'],
  system: ['core'],
  // Its checks, instances and semaphores become ports of core; until then it knows the rooms they are in.
  discovery: ['core', 'policy', 'limits', 'upstream', 'deploy'],
  worker: ['core', 'wire', 'policy', 'limits', 'transport', 'upstream', 'downstream', 'exchange', 'record', 'system'],
  control: ['core', 'config', 'policy', 'record', 'limits', 'transport', 'upstream', 'discovery', 'deploy', 'system'],
  // The worker by its file alone: see planes.ts.
  gateway: ['core', 'control', 'system', 'worker'],
  admin: ['core', 'record', 'diagnose', 'deploy', 'control'],
  cli: ['core', 'config', 'record', 'admin', 'deploy', 'diagnose', 'control', 'gateway', 'system', 'testing'],
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
  'src/control/worker-exit.ts',
  'src/admin/admin-socket.ts',
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
  'src/config/syntax-errors.ts',
  // A refused command line's own exit code.
  'src/cli/commands.ts',
  'src/cli/stderr-format.ts',
];
