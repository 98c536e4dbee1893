import type { OriginRequest, Script } from './origin-script.ts';

/** One misbehaviour of the fault origin. */
export interface Fault {
  /** The path is `/fault/<name>`. */
  readonly name: string;
  /** What the origin does, to be read after "The origin …". */
  readonly does: string;
  /** False for answers that look odd and are lawful: a gateway must pass them. */
  readonly faulty: boolean;
  /** When the script begins: after the request's head, or after all of its content. */
  readonly begins: 'head' | 'content';
  script(request: OriginRequest): Script;
}
