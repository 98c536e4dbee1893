import type { Holding } from './settings.ts';

/** `limits.memory 512 MiB by a control group`; of what is not held why. */
export function holdingText({ setting, value, by, remark, fix }: Holding): string {
  const name = keyOf(setting);
  if (by === null) return `${name} ${value} is not held: ${remark ?? 'not known why'}${fix === null ? '' : `: ${fix}`}`;
  return `${name} ${value} is held by ${by}${remark === null ? '' : `: ${remark}`}`;
}

export function keyOf(setting: Holding['setting']): string {
  return setting === 'user' || setting === 'isolation' ? setting : `limits.${setting}`;
}
