import { hidesDotSegment, plainPath } from '../../wire/plain-path.ts';

/** Compared in the spelling by which routes are found. Applications decode what is left encoded in it: no dot segment may come to light there. */
export function isInFolder(folder: string, target: string): boolean {
  return plainPath(target).startsWith(plainPath(folder)) && !hidesDotSegment(target);
}
