import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Peer, preparePeers } from '../../scripts/peers.ts';
import { until } from '../gateway/start-from-yaml.ts';

type Found = Extract<Peer, { path: string }>;

/** PHP and what it serves, as Debian ships it: unpacked, with folders of its own in `folder`. */
export class PhpMachine {
  readonly folder: string;
  readonly #children: ChildProcess[] = [];
  readonly #fpm: Found;
  readonly #database: Found;

  /** Exits with a sentence where a program is missing. */
  constructor(folder: string) {
    const peers = preparePeers(['php-fpm', 'mariadbd', 'wordpress', 'phpmyadmin'], console.log);
    const missing = peers.flatMap((peer) => ('missing' in peer ? [peer.missing] : []));
    if (missing.length > 0) throw new Error(missing.join('\n'));
    const [fpm, database, wordpress, phpMyAdmin] = peers as [Found, Found, Found, Found];
    this.folder = folder;
    this.#fpm = fpm;
    this.#database = database;
    for (const made of ['etc', 'run', 'tmp', 'db', 'srv', 'usr']) mkdirSync(join(folder, made));
    // As docs/php.md says: one folder without links that leave it.
    spawnSync('cp', ['-rL', dirname(wordpress.path), join(folder, 'srv/wordpress')]);
    spawnSync('cp', ['-r', dirname(dirname(phpMyAdmin.path)), join(folder, 'usr/share')]);
  }

  get socket(): string {
    return join(this.folder, 'run/fpm.sock');
  }

  get databaseSocket(): string {
    return join(this.folder, 'run/db.sock');
  }

  /** `children`: how many requests it works on at a time. */
  async startPhp(children: number): Promise<void> {
    const { folder } = this;
    const extensions = join(this.#fpm.path, '../../lib/php');
    const api = spawnSync('ls', [extensions], { encoding: 'utf8' })
      .stdout.split('\n')
      .find((name) => /^\d{8}$/.test(name));
    const names =
      'ctype tokenizer iconv mbstring dom xml simplexml xmlreader xmlwriter fileinfo posix mysqlnd mysqli'.split(' ');
    writeFileSync(
      join(folder, 'etc/php.ini'),
      [
        `extension_dir=${extensions}/${api}`,
        'zend_extension=opcache.so',
        ...names.map((name) => `extension=${name}.so`),
        `include_path=".:${folder}/usr/share/php"`,
        `session.save_path=${folder}/tmp`,
        `upload_tmp_dir=${folder}/tmp`,
        `mysqli.default_socket=${this.databaseSocket}`,
        'upload_max_filesize=400M',
        'post_max_size=400M',
      ].join('\n'),
    );
    const isRoot = process.getuid?.() === 0;
    writeFileSync(
      join(folder, 'etc/fpm.conf'),
      [
        `[global]\nerror_log=${folder}/fpm.log\ndaemonize=no\n[www]\nlisten=${this.socket}\ncatch_workers_output=yes`,
        ...(isRoot ? ['user=root\ngroup=root'] : []),
        `pm=static\npm.max_children=${children}`,
      ].join('\n'),
    );
    const configuration = ['-F', '-c', join(folder, 'etc/php.ini'), '-y', join(folder, 'etc/fpm.conf')];
    this.#start(this.#fpm, [...(isRoot ? ['-R'] : []), ...configuration]);
    await until('php-fpm listens', () => existsSync(this.socket));
  }

  async startDatabase(): Promise<void> {
    const share = join(this.#database.path, '../../share/mysql');
    const options = [
      ...['--no-defaults', `--datadir=${this.folder}/db`, `--lc-messages-dir=${share}`, '--skip-networking'],
      ...[`--character-sets-dir=${share}/charsets`, `--plugin-dir=${join(share, '../../lib/mysql/plugin')}`],
      ...[`--socket=${this.databaseSocket}`, '--innodb-use-native-aio=0'],
      ...(process.getuid?.() === 0 ? ['--user=root'] : []),
    ];
    const tables = ['mysql_system_tables', 'mysql_performance_tables', 'mysql_system_tables_data'];
    const script = [
      'create database mysql;\nuse mysql;',
      ...tables.map((name) => readFileSync(join(share, `${name}.sql`), 'utf8')),
      "flush privileges;\ncreate database wordpress;\ncreate user 'wordpress'@'localhost' identified by 'example';",
      "grant all on wordpress.* to 'wordpress'@'localhost';\n",
    ].join('\n');
    const made = spawnSync(this.#database.path, [...options, '--bootstrap'], {
      env: { ...process.env, ...this.#database.env },
      input: script,
      encoding: 'utf8',
    });
    if (made.status !== 0) throw new Error(made.stderr.slice(-1000));
    this.#start(this.#database, options);
    await until('MariaDB listens', () => existsSync(this.databaseSocket));
  }

  /** Two applications find their database, and phpMyAdmin its folders, which its package has below / . */
  configureApplications(): void {
    const { folder } = this;
    const wordpress = join(folder, 'srv/wordpress');
    const sample = readFileSync(join(wordpress, 'wp-config-sample.php'), 'utf8');
    const values = ['database_name_here', 'username_here', 'password_here', "'localhost'"];
    const given = ['wordpress', 'wordpress', 'example', `'localhost:${this.databaseSocket}'`];
    const text = values.reduce((all, value, index) => all.replace(value, given[index] as string), sample);
    // Nothing is to be fetched from other machines.
    writeFileSync(
      join(wordpress, 'wp-config.php'),
      text.replace('<?php', "<?php\ndefine('WP_HTTP_BLOCK_EXTERNAL', true);\ndefine('DISABLE_WP_CRON', true);"),
    );
    mkdirSync(join(wordpress, 'wp-content/uploads'), { recursive: true });
    const vendor = join(folder, 'usr/share/phpmyadmin/libraries/vendor_config.php');
    const paths = readFileSync(vendor, 'utf8');
    writeFileSync(
      vendor,
      paths.replace('/etc/phpmyadmin/', `${folder}/etc/`).replace('/var/lib/phpmyadmin/tmp/', `${folder}/tmp/`),
    );
    writeFileSync(
      join(folder, 'etc/config.inc.php'),
      `<?php $cfg['blowfish_secret'] = '${'x'.repeat(32)}'; $cfg['Servers'][1]['auth_type'] = 'cookie';
$cfg['Servers'][1]['host'] = 'localhost'; $cfg['Servers'][1]['socket'] = '${this.databaseSocket}';\n`,
    );
  }

  #start({ path, env }: Found, args: readonly string[]): void {
    this.#children.push(spawn(path, args, { env: { ...process.env, ...env }, stdio: 'ignore' }));
  }

  async stop(): Promise<void> {
    const running = this.#children.filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null);
    for (const child of running) child.kill('SIGTERM');
    await Promise.all(running.map((child) => once(child, 'exit')));
  }
}
