import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const mark = 'CANDOR_SOAK_NETWORK';

/** The value of `net.ipv4.tcp_migrate_req`; null if the kernel has no such setting. */
export function migratesRequests(): boolean | null {
  try {
    return readFileSync('/proc/sys/net/ipv4/tcp_migrate_req', 'utf8').trim() === '1';
  } catch {
    return null;
  }
}

/** Kernel settings of one network namespace: paths below /proc/sys/net/ipv4. */
type NetworkSettings = Readonly<Record<string, string>>;

/**
 * Runs this program again in a network namespace with these settings, and returns its exit code. Null within that
 * namespace: the program continues. Throws if Linux does not allow a namespace.
 */
export function inOwnNetwork(settings: NetworkSettings): number | null {
  if (process.env[mark] !== undefined) return null;
  // A user who is not root becomes root in a user namespace, if the system allows it.
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
    throw new Error(`a network namespace cannot have lo, or these settings: ${Object.keys(settings).join(', ')}`);
  return status ?? 3;
}
