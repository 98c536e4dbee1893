/** What a worker loads where a route has files. */
export { Disk } from './worker-disk.ts';
export { Root } from './worker-file.ts';
export { ServedFolder } from './worker-served-folder.ts';
export { filesFilter } from './worker-site.ts';
