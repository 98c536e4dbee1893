import type { Failure } from '#failures/failure.ts';

/** The program below a folder that a request is for (RFC 3875). Characters are bytes: paths have no encoding. */
export interface ScriptFacts {
  /** The folder, without a slash at its end. */
  readonly root: string;
  /** The path of the program below it, such as `/index.php`. */
  readonly name: string;
  /** What follows the program in the path of the request, such as `/1/edit`; '' if nothing does. */
  readonly pathInfo: string;
  /** What the route says besides; it holds where the request says something else. */
  readonly variables: Readonly<Record<string, string>>;
  /** What it means that the application has no such program, which the path of a client has named; absent: its route is set up wrongly. */
  readonly onUnknown?: () => Failure;
}

/** What an application that is asked by CGI variables is told besides the head of its request. */
export interface CgiFacts {
  /** Of `ClientFacts`, which this file cannot know. */
  readonly client: {
    readonly address: string;
    readonly port: number;
    readonly scheme: 'http' | 'https';
    readonly connection: { readonly localAddress: string };
  };
  /** Such as '1.1'. */
  readonly version: string;
  /** As the client has sent it. */
  readonly target: string;
  /** What the route removes from the beginning of paths; '' if it removes nothing. */
  readonly prefixRemoved: string;
  /** Null: the application itself is the program, and all of the path is for it. */
  readonly script: ScriptFacts | null;
}
