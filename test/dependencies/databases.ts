import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { basename, dirname, join } from 'node:path';
import { selfSignedCertificate } from '../../src/testing/certificates.ts';
import { findPeer, type Peer, type PeerName } from '../../scripts/peers.ts';
import { until } from '../gateway/start-from-yaml.ts';

type Found = Extract<Peer, { path: string }>;

/** PostgreSQL refuses to run as root; the others run as the same user. */
const unprivileged = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};

/** A real server with its data in `folder`, which is made. */
abstract class Database {
  readonly folder: string;
  readonly port: number;
  protected readonly peer: Found;
  #child: ChildProcess | null = null;

  constructor(peer: Found, folder: string, port: number) {
    this.peer = peer;
    this.folder = folder;
    this.port = port;
    mkdirSync(folder, { recursive: true });
    chmodSync(folder, 0o700);
    if (unprivileged.uid !== undefined) chownSync(folder, unprivileged.uid, unprivileged.gid);
  }

  protected run(program: string, args: readonly string[], input = ''): string {
    const ran = spawnSync(program, args, { ...this.#options, input, encoding: 'utf8' });
    if (ran.status !== 0) throw new Error(`${basename(program)}: ${ran.error?.message ?? ran.stderr.slice(-800)}`);
    return ran.stdout;
  }

  /** A file that only the server's user may read. */
  protected write(name: string, text: string): void {
    const path = join(this.folder, name);
    writeFileSync(path, text, { mode: 0o600 });
    if (unprivileged.uid !== undefined) chownSync(path, unprivileged.uid, unprivileged.gid);
  }

  protected spawnServer(args: readonly string[], argv0 = basename(this.peer.path)): void {
    this.#child = spawn(this.peer.path, args, { ...this.#options, argv0, stdio: 'ignore' });
  }

  get #options(): object {
    return { ...unprivileged, cwd: this.folder, env: { ...process.env, ...this.peer.env, LC_ALL: 'C' } };
  }

  get isRunning(): boolean {
    return this.#child !== null && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  async stop(signal: NodeJS.Signals = 'SIGINT'): Promise<void> {
    if (!this.isRunning || this.#child === null) return;
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGCONT');
    this.#child.kill(signal);
    await ended;
  }
}

export class Postgres extends Database {
  /** Passwords of logins are `example`; those of `shop` by SCRAM, those of `older` by MD5; others are let in. */
  prepare(): void {
    const bin = dirname(realpathSync(this.peer.path));
    const data = join(this.folder, 'data');
    this.run(join(bin, 'initdb'), ['-D', data, '-U', 'owner', '-A', 'trust', '--no-sync', '-E', 'UTF8']);
    writeFileSync(
      join(data, 'postgresql.auto.conf'),
      [
        `listen_addresses = '127.0.0.1'\nport = ${this.port}\nunix_socket_directories = '${this.folder}'`,
        'fsync = off\nmax_connections = 4\nsuperuser_reserved_connections = 0\nshared_buffers = 1MB',
        'max_wal_senders = 0\nwal_level = replica\nautovacuum = off\nssl = on\n',
      ].join('\n'),
    );
    const { certificate, key } = selfSignedCertificate(Date.now(), { names: ['db.test'] });
    this.write('data/server.crt', certificate);
    this.write('data/server.key', key);
    const script = [
      "create role shop login password 'example';",
      "set password_encryption = 'md5';",
      "create role older login password 'example';",
      'create database shop;',
    ].join('\n');
    this.run(this.peer.path, ['--single', '-D', data, '-j', 'postgres'], script.replaceAll('\n', '\n\n'));
    writeFileSync(
      join(data, 'pg_hba.conf'),
      'local all all trust\nhost all shop 127.0.0.1/32 scram-sha-256\nhost all older 127.0.0.1/32 md5\nhost all barred 127.0.0.1/32 reject\nhost all all 127.0.0.1/32 trust\n',
    );
  }

  get socket(): string {
    return join(this.folder, `.s.PGSQL.${this.port}`);
  }

  startOnly(): void {
    this.spawnServer(['-D', join(this.folder, 'data')]);
  }

  async start(): Promise<void> {
    this.startOnly();
    const pidFile = join(this.folder, 'data/postmaster.pid');
    await until('PostgreSQL is ready', () => existsSync(pidFile) && /\nready\s*$/.test(readFileSync(pidFile, 'utf8')));
  }
}

export class Mariadb extends Database {
  prepare(): void {
    const share = join(dirname(this.peer.path), '../share/mysql');
    const tables = ['mysql_system_tables', 'mysql_performance_tables', 'mysql_system_tables_data'];
    const script = [
      'create database mysql;\nuse mysql;',
      ...tables.map((name) => readFileSync(join(share, `${name}.sql`), 'utf8')),
      "flush privileges;\ncreate database shop;\ncreate user 'shop'@'127.0.0.1' identified by 'example';",
      "grant all on shop.* to 'shop'@'127.0.0.1';\n",
    ].join('\n');
    mkdirSync(join(this.folder, 'data'));
    if (unprivileged.uid !== undefined) chownSync(join(this.folder, 'data'), unprivileged.uid, unprivileged.gid);
    this.run(this.peer.path, [...this.#options, '--bootstrap'], script);
  }

  get #options(): readonly string[] {
    const share = join(dirname(this.peer.path), '../share/mysql');
    return [
      ...['--no-defaults', `--datadir=${this.folder}/data`, `--lc-messages-dir=${share}`],
      ...[`--character-sets-dir=${share}/charsets`, `--plugin-dir=${join(share, '../../lib/mysql/plugin')}`],
      ...[`--socket=${this.folder}/db.sock`, '--innodb-use-native-aio=0', `--tmpdir=${this.folder}`],
      ...[`--port=${this.port}`, '--bind-address=127.0.0.1', '--max-connections=10', '--skip-name-resolve'],
      ...['--max-connect-errors=5', '--extra-max-connections=1'],
    ];
  }

  async start(): Promise<void> {
    this.spawnServer(this.#options);
    // Until it greets it does not hear SIGTERM either.
    await until('MariaDB greets', () => greets(this.port));
  }
}

export class Redis extends Database {
  async start(...options: readonly string[]): Promise<void> {
    this.spawnServer(
      [
        ...['--port', String(this.port), '--bind', '127.0.0.1', '--dir', this.folder, '--daemonize', 'no'],
        ...['--pidfile', join(this.folder, 'redis.pid'), '--loglevel', 'warning', ...options],
      ],
      'redis-server',
    );
  }
}

async function greets(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  const [heard] = (await Promise.race([once(socket, 'data'), once(socket, 'close'), once(socket, 'error')]).catch(
    () => [],
  )) as unknown[];
  socket.destroy();
  return heard instanceof Uint8Array;
}

/** The peer, or why a test that needs it is skipped. */
export function databasePeer(
  name: PeerName,
): { readonly peer: Found; readonly skip: false } | { readonly skip: string } {
  const peer = findPeer(name);
  return 'missing' in peer ? { skip: peer.missing } : { peer, skip: false };
}
