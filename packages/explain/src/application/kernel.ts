import { type ApplicationLog, rule } from './application-rule.ts';

const moreMemory =
  'Give it more memory, or find out what it needs so much for; a limit of the service or the container is raised there';
const limit = 'systemctl set-property NAME.service MemoryMax=1G\n# or: docker run --memory 1g, resources.limits.memory';

/** Messages of the kernel, in dmesg, kern.log and the journal. */
export const kernelLog: ApplicationLog = {
  product: 'kernel',
  format: 'kernel log',
  needs: /[Oo]ut of memory|oom|segfault|general protection|trap /,
  names: [],
  rules: [
    rule(
      'oom_kill',
      /^Memory cgroup out of memory: Kill(?:ed)? process (?<pid>\d{1,10})(?:,? UID \d+,?)? ?\((?<process>[^)]{1,64})\)/,
      'The OOM killer ended {process} (pid {pid}): its control group had reached its limit of memory.',
      moreMemory,
      limit,
    ),
    rule(
      'oom_kill',
      /^Out of memory(?:\s\([^)]*\))?: Kill(?:ed)? process (?<pid>\d{1,10})(?:,? UID \d+,?)? ?\((?<process>[^)]{1,64})\)/,
      'The OOM killer ended {process} (pid {pid}): the machine had no memory left.',
      moreMemory,
    ),
    rule(
      'oom_kill',
      /^oom-kill:constraint=\w{1,40},.{0,400}?task_memcg=(?<cgroup>[^,]{1,300}),task=(?<process>[^,]{1,64}),pid=(?<pid>\d{1,10})/,
      'The OOM killer ended {process} (pid {pid}) of {cgroup}.',
      moreMemory,
      limit,
    ),
    rule(
      null,
      /^(?<process>\S{1,64}) invoked oom-killer:|^oom_reaper: reaped process|^Tasks in \S+ killed as a result/,
      '',
    ),
    rule(
      'crash',
      /^(?<process>[^\s[]{1,64})\[(?<pid>\d{1,10})\](?:: segfault at| general protection)/,
      '{process} (pid {pid}) crashed: it accessed memory that is not its own.',
      'Look for a core dump (`coredumpctl info`), and update the program or its native modules',
    ),
    rule(
      'crash',
      /^traps: (?<process>[^\s[]{1,64})\[(?<pid>\d{1,10})\] (?:general protection|trap \S+)/,
      '{process} (pid {pid}) crashed.',
      'Look for a core dump (`coredumpctl info`), and update the program or its native modules',
    ),
  ],
};
