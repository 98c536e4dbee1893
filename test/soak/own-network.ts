import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const mark = 'CANDOR_SOAK_NETWORK';

/** What `net.ipv4.tcp_migrate_req` is here; null where the kernel has no such setting. */
export function migratesRequests(): boolean | null {
  try {
    return readFileSync('/proc/sys/net/ipv4/tcp_migrate_req', 'utf8').trim() === '1';
  } catch {
    return null;
  }
}

/** Settings of the kernel for one network: paths below /proc/sys/net/ipv4. */
export type NetworkSettings = Readonly<Record<string, string>>;

/**
 * Runs this very program once more, in a network of its own with these settings, and returns its exit code. Null within
 * that network: the program is to go on. Throws where Linux does not allow such a network.
 */
export function inOwnNetwork(settings: NetworkSettings): number | null {
  if (process.env[mark] !== undefined) return null;
  // Who is not root becomes it in a namespace of users, where the system allows that.
  const namespaces = process.getuid?.() === 0 ? ['-n'] : ['-n', '-r'];
  const writes = Object.entries(settings).map(([name, value]) => `echo '${value}' > /proc/sys/net/ipv4/${name}`);
  const prepare = ['ip link set lo up', ...writes].join(' && ');
  const script = `{ ${prepare}; } || exit 97; exec "$0" "$@"`;
  const words = [...process.execArgv, process.argv[1] ?? '', ...process.argv.slice(2)];
  const { status, error } = spawnSync('unshare', [...namespaces, 'sh', '-c', script, process.execPath, ...words], {
    stdio: 'inherit',
    env: { ...process.env, [mark]: '1' },
  });
  if (error !== undefined) throw new Error(`unshare cannot be run: ${(error as NodeJS.ErrnoException).code}`);
  if (status === 97)
    throw new Error(`a network of its own cannot have lo, or these settings: ${Object.keys(settings).join(', ')}`);
  return status ?? 3;
}

/** Whether this machine lets us have a network of our own. */
export function mayHaveOwnNetwork(): boolean {
  const namespaces = process.getuid?.() === 0 ? ['-n'] : ['-n', '-r'];
  const script = 'ip link set lo up && echo 1 > /proc/sys/net/ipv4/tcp_migrate_req';
  return spawnSync('unshare', [...namespaces, 'sh', '-c', script], { stdio: 'ignore' }).status === 0;
}
