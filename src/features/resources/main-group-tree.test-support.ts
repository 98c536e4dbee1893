import type { GroupFiles } from './main-groups.ts';

/** Control groups in memory, with the rules of the kernel that matter (cgroups(7)). */
export class GroupTree implements GroupFiles {
  readonly files = new Map<string, string>();
  readonly folders = new Set<string>();
  readonly killed: number[] = [];
  readonly #writable: (path: string) => boolean;

  constructor(writable: (path: string) => boolean) {
    this.#writable = writable;
  }

  /** The top of a hierarchy of version 2. `isView`: of a container, whose top is some group of the machine. */
  addSecond(mount: string, offered: string, isView = false): void {
    this.#add(mount, { 'cgroup.controllers': offered, 'cgroup.subtree_control': '', 'cgroup.procs': '' });
    if (isView) this.files.set(`${mount}/cgroup.type`, 'domain');
  }

  addFirst(controller: string): void {
    this.#add(`/sys/fs/cgroup/${controller}`, { 'cgroup.procs': '', ...firstFiles(controller) });
  }

  /** A group of the service manager. */
  addGroup(path: string): void {
    this.#makeGroup(path);
  }

  addProcess(pid: number, group: string, parent = 1, name = 'node'): void {
    const file = `${group}/cgroup.procs`;
    this.files.set(file, `${this.files.get(file) ?? ''}${pid}\n`);
    this.files.set(`/proc/${pid}/status`, `Name:\t${name}\nPPid:\t${parent}\n`);
    this.files.set(`/proc/${pid}/comm`, `${name}\n`);
    this.files.set(`/proc/${pid}/stat`, `${pid} (${name}) S`);
  }

  endProcess(pid: number): void {
    for (const [file, text] of this.files) if (file.endsWith('/cgroup.procs')) this.files.set(file, without(text, pid));
    for (const file of ['status', 'comm', 'stat']) this.files.delete(`/proc/${pid}/${file}`);
  }

  readText(path: string): string | null {
    return this.files.get(path) ?? null;
  }

  mayWrite(path: string): boolean {
    return (this.files.has(path) || this.folders.has(path)) && this.#writable(path);
  }

  write(path: string, text: string): void {
    if (!this.files.has(path)) fail('ENOENT', path);
    if (!this.#writable(path)) fail('EACCES', path);
    const folder = path.slice(0, path.lastIndexOf('/'));
    const name = path.slice(folder.length + 1);
    if (name === 'cgroup.procs') return this.#move(folder, Number(text));
    if (name === 'cgroup.subtree_control') return this.#enable(folder, text.slice(1));
    if (name === 'cgroup.kill') return this.#killAll(folder);
    this.files.set(path, text);
  }

  makeFolder(path: string): void {
    if (this.folders.has(path)) fail('EEXIST', path);
    if (!this.#writable(path.slice(0, path.lastIndexOf('/')))) fail('EACCES', path);
    this.#makeGroup(path);
  }

  removeFolder(path: string): void {
    if (!this.folders.has(path)) fail('ENOENT', path);
    const isUsed = (this.files.get(`${path}/cgroup.procs`) ?? '') !== '' || this.foldersIn(path).length > 0;
    if (isUsed) fail('EBUSY', path);
    this.folders.delete(path);
    for (const file of this.files.keys()) if (file.startsWith(`${path}/`)) this.files.delete(file);
  }

  foldersIn(path: string): readonly string[] {
    const inside = [...this.folders].filter((folder) => folder.startsWith(`${path}/`));
    return inside.map((folder) => folder.slice(path.length + 1)).filter((name) => !name.includes('/'));
  }

  kill(pid: number): void {
    this.killed.push(pid);
    this.endProcess(pid);
  }

  #add(path: string, files: Readonly<Record<string, string>>): void {
    this.folders.add(path);
    // What is set in a group that is there stays.
    for (const [name, text] of Object.entries(files))
      if (!this.files.has(`${path}/${name}`)) this.files.set(`${path}/${name}`, text);
  }

  #makeGroup(path: string): void {
    const parent = path.slice(0, path.lastIndexOf('/'));
    const enabled = this.files.get(`${parent}/cgroup.subtree_control`);
    const first = ['memory', 'cpu', 'pids'].find((name) => path.startsWith(`/sys/fs/cgroup/${name}/`));
    if (enabled === undefined) return this.#add(path, { 'cgroup.procs': '', ...firstFiles(first ?? '') });
    this.#add(path, {
      ...{ 'cgroup.procs': '', 'cgroup.type': 'domain', 'cgroup.kill': '', 'cgroup.subtree_control': '' },
      'cgroup.controllers': enabled,
      ...secondFiles(enabled),
    });
  }

  #move(folder: string, pid: number): void {
    if ((this.files.get(`${folder}/cgroup.subtree_control`) ?? '') !== '' && this.files.has(`${folder}/cgroup.type`))
      fail('EBUSY', folder);
    for (const [file, text] of this.files) if (file.endsWith('/cgroup.procs')) this.files.set(file, without(text, pid));
    const file = `${folder}/cgroup.procs`;
    this.files.set(file, `${this.files.get(file) ?? ''}${pid}\n`);
  }

  /** No group below the top has processes and hands on controllers. */
  #enable(folder: string, controller: string): void {
    const offered = this.files.get(`${folder}/cgroup.controllers`) ?? '';
    if (!offered.split(' ').includes(controller)) fail('ENOENT', `${folder} ${controller}`);
    const hasProcesses = (this.files.get(`${folder}/cgroup.procs`) ?? '') !== '';
    if (hasProcesses && this.files.has(`${folder}/cgroup.type`)) fail('EBUSY', folder);
    const file = `${folder}/cgroup.subtree_control`;
    const enabled = [this.files.get(file) ?? '', controller].filter(Boolean).join(' ');
    this.files.set(file, enabled);
    for (const name of this.foldersIn(folder)) {
      this.files.set(`${folder}/${name}/cgroup.controllers`, enabled);
      this.#add(`${folder}/${name}`, secondFiles(enabled));
    }
  }

  #killAll(folder: string): void {
    for (const pid of (this.files.get(`${folder}/cgroup.procs`) ?? '').split('\n').filter(Boolean).map(Number))
      this.kill(pid);
  }
}

function firstFiles(controller: string): Readonly<Record<string, string>> {
  if (controller === 'memory')
    return {
      'memory.limit_in_bytes': '',
      'memory.oom_control': 'oom_kill 0\n',
      'memory.usage_in_bytes': '0',
      'memory.stat': '',
    };
  if (controller === 'cpu') return { 'cpu.cfs_period_us': '100000', 'cpu.cfs_quota_us': '-1' };
  return controller === 'pids' ? { 'pids.max': 'max' } : {};
}

function secondFiles(enabled: string): Readonly<Record<string, string>> {
  const has = (name: string): boolean => enabled.split(' ').includes(name);
  return {
    ...(has('memory')
      ? { 'memory.max': 'max', 'memory.events': 'oom_kill 0\n', 'memory.current': '0', 'memory.stat': '' }
      : {}),
    ...(has('cpu') ? { 'cpu.max': 'max 100000' } : {}),
    ...(has('pids') ? { 'pids.max': 'max' } : {}),
    ...(has('io') ? { 'io.max': '' } : {}),
  };
}

function without(text: string, pid: number): string {
  return text
    .split('\n')
    .filter((line) => line !== String(pid))
    .join('\n');
}

function fail(code: string, path: string): never {
  throw Object.assign(new Error(`${code}: ${path}`), { code });
}
