import type { OriginRequest, Script } from './origin-script.ts';

/** One misbehaviour of the fault origin. */
export interface Fault {
  /** The path is `/fault/<name>`. */
  readonly name: string;
  /** What the origin does, to be read after "The origin …". */
  readonly does: string;
  /** False for responses that look odd but are valid: a gateway must pass them on. */
  readonly faulty: boolean;
  /** When the script begins: after the head of the request, or after its whole body. */
  readonly begins: 'head' | 'body';
  script(request: OriginRequest): Script;
}
