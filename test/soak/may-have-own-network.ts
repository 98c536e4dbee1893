import { spawnSync } from 'node:child_process';

/** Whether this machine allows network namespaces. */
export function mayHaveOwnNetwork(): boolean {
  const namespaces = process.getuid?.() === 0 ? ['-n'] : ['-n', '-r'];
  const script = 'ip link set lo up && echo 1 > /proc/sys/net/ipv4/tcp_migrate_req';
  return spawnSync('unshare', [...namespaces, 'sh', '-c', script], { stdio: 'ignore' }).status === 0;
}
