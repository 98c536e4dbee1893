/** The disk on which a folder lies, as control groups name it. */

export interface DeviceReader {
  readText(path: string): string | null;
  /** Of the file system that has the path; null: there is no such path. */
  deviceNumber(path: string): { readonly major: number; readonly minor: number } | null;
}

/** `8:0`, or why a limit cannot name one, one clause. */
export function diskOf(path: string, reader: DeviceReader): string | { readonly why: string } {
  const number = reader.deviceNumber(path);
  if (number === null) return { why: `${path} is not there` };
  // Such file systems have a number of their own, and no disk of that number.
  if (number.major === 0)
    return { why: `${path} lies on no disk of its own (a container's layer, btrfs, memory or the network)` };
  const own = `${number.major}:${number.minor}`;
  const folder = `/sys/dev/block/${own}`;
  // The kernel limits whole disks: the folder of a partition lies in that of its disk.
  if (reader.readText(`${folder}/partition`) === null) return own;
  return reader.readText(`${folder}/../dev`)?.trim() ?? { why: `the disk of the partition ${own} is not known` };
}
